// src/steps.ts
var e = ["pointerdown", "keydown"], t = 2e3, n = 300, r = 5e3, i = 30, a = /:(?:crop|turn|threshold)=[^:]*/g;
function o(e, t) {
	let n = t.map((t) => e.searchParams.getAll(t).map((e) => e.replace(a, "")));
	return JSON.stringify([e.pathname, ...n]);
}
var s = () => window.navigation?.currentEntry?.index ?? 0, c = () => document.querySelector("[data-test-script-state]:not([data-test-script-state=notRunning])") !== null, l = (e, t) => JSON.stringify(e.searchParams.getAll(t)), u = class {
	keys = [];
	tell = () => void 0;
	pressed = !1;
	pressedAt = 0;
	place = s();
	isReturning = !1;
	until = [];
	changes = /* @__PURE__ */ new Map();
	push;
	change;
	constructor(t) {
		this.push = t.pushState.bind(t), this.change = t.replaceState.bind(t), t.pushState = (e, t, n) => this.fromPage(e, t, n), t.replaceState = (e, t, n) => this.fromWidget(e, t, n);
		for (let t of e) addEventListener(t, (e) => this.press(e), !0);
		addEventListener("popstate", (e) => this.goes(e), !0);
	}
	goes(e) {
		let t = s() < this.place;
		if (this.place = s(), this.isReturning) {
			this.isReturning = !1, e.stopImmediatePropagation();
			for (let e of this.until.splice(0)) e();
			this.whenAnswered(() => history.back());
		} else t && this.pressed && this.isAwaited() ? (this.isReturning = !0, e.stopImmediatePropagation(), history.forward()) : this.pressed = !1;
	}
	isAwaited() {
		let e = performance.now() - this.pressedAt;
		return e < n || e < r && c();
	}
	whenAnswered(e) {
		this.pressed && this.isAwaited() ? setTimeout(() => this.whenAnswered(e), i) : e();
	}
	press(e) {
		e instanceof KeyboardEvent && (e.altKey || e.metaKey) || (this.pressed = !0, this.pressedAt = performance.now(), this.changes.clear());
	}
	fromWidget(e, t, n) {
		if (this.isReturning) {
			this.until.push(() => this.fromWidget(e, t, n));
			return;
		}
		let [r, i] = this.addresses(n);
		for (let e of /* @__PURE__ */ new Set([...r.searchParams.keys(), ...i.searchParams.keys()])) {
			let t = l(r, e);
			t !== l(i, e) && this.changes.set(e, {
				before: t,
				after: i.searchParams.getAll(e),
				at: performance.now()
			});
		}
		this.write(e, t, i);
	}
	fromPage(e, n, r) {
		if (this.isReturning) {
			this.until.push(() => this.fromPage(e, n, r));
			return;
		}
		let [i, a] = this.addresses(r), o = [];
		for (let [e, { before: n, after: r, at: s }] of this.changes) if (!(a.pathname !== i.pathname || performance.now() - s > t) && n === l(a, e) && n !== JSON.stringify(r)) {
			a.searchParams.delete(e);
			for (let t of r) a.searchParams.append(e, t);
			o.push(e), this.changes.delete(e);
		}
		a.pathname !== i.pathname && this.changes.clear(), this.write(e, n, a), o.length > 0 && setTimeout(() => this.tell(o), 0);
	}
	addresses(e) {
		return [new URL(location.href), new URL(e ?? location.href, location.href)];
	}
	write(e, t, n) {
		let r = this.pressed && o(n, this.keys) !== o(new URL(location.href), this.keys);
		r && (this.pressed = !1), (r ? this.push : this.change)(e, t, n), this.place = s();
	}
}, d = null;
function f(e) {
	d ??= new u(history), d.keys = e.data.keys, d.tell = (t) => e.setTriggerValue("late", t);
}
export { u as Steps, f as default, o as stepOf };
