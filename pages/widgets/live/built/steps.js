function e(e) {
	let t = 0, n = () => {
		let n = 0;
		for (let r = 1; t < e.length; r *= 128) {
			let i = e[t++];
			if (n += (i & 127) * r, i < 128) break;
		}
		return n;
	}, r = null;
	for (; t < e.length;) {
		let e = n(), i = n();
		if (e % 8 != 0 && e % 8 != 2) return null;
		e % 8 == 2 && (t += i), r = {
			field: Math.floor(e / 8),
			value: i
		};
	}
	return t === e.length ? r : null;
}
var t = class {
	waiting = [];
	isRunning = !1;
	constructor(e) {
		let { send: t } = e, n = /* @__PURE__ */ new WeakSet(), r = (e) => this.said(e), i = (e) => this.answered(e.data);
		e.send = function(e) {
			n.has(this) || this.addEventListener("message", i), n.add(this), r(e), t.call(this, e);
		};
	}
	get isOpen() {
		return this.isRunning || this.isAhead(Infinity);
	}
	isAhead(e) {
		let t = performance.now();
		return this.waiting = this.waiting.filter((e) => t - e < 5e3), this.waiting.some((t) => t <= e);
	}
	said(t) {
		t instanceof Uint8Array && e(t)?.field === 11 && this.waiting.push(performance.now());
	}
	answered(t) {
		let n = t instanceof ArrayBuffer ? e(new Uint8Array(t)) : null;
		n?.field === 4 ? (this.isRunning = !0, this.waiting.shift()) : n?.field === 6 && (this.isRunning = n.value === 2);
	}
}, n = [
	"range",
	"checkbox",
	"radio",
	"color"
];
function r() {
	document.addEventListener("keydown", (e) => {
		let t = e.composedPath()[0];
		t instanceof HTMLInputElement && n.includes(t.type) && e.key.toLowerCase() === "p" && (e.repeat || e.ctrlKey || e.metaKey || e.altKey || document.querySelector(".st-key-present button")?.click());
	});
}
// src/history/steps.ts
var i = ["pointerdown", "keydown"], a = 2e3, o = 300, s = 30, c = /:(?:crop|turn|threshold)=[^:]*/g;
function l(e, t) {
	let n = t.map((t) => e.searchParams.getAll(t).map((e) => e.replace(c, "")));
	return JSON.stringify([e.pathname, ...n]);
}
var u = (e, t) => JSON.stringify(e.searchParams.getAll(t)), d = class {
	asked;
	keys = [];
	tell = () => void 0;
	pressed = !1;
	pressedAt = 0;
	wentAt = -Infinity;
	waiting = /* @__PURE__ */ new Set();
	changes = /* @__PURE__ */ new Map();
	push;
	change;
	constructor(e, t) {
		this.asked = t, this.push = e.pushState.bind(e), this.change = e.replaceState.bind(e), e.pushState = (e, t, n) => this.fromPage(e, t, n), e.replaceState = (e, t, n) => this.fromWidget(e, t, n);
		for (let e of i) addEventListener(e, (e) => this.press(e), !0);
		addEventListener("popstate", () => this.went(), !0), window.navigation?.addEventListener("navigate", (e) => this.goes(e));
	}
	goes(e) {
		let t = window.navigation.currentEntry?.index ?? 0, { index: n, key: r } = e.destination;
		if (!(e.navigationType !== "traverse" || n >= t)) {
			if (!e.cancelable) this.pressed && this.waiting.clear();
			else if (this.isAwaited()) {
				e.preventDefault();
				let i = () => this.waiting.delete(i) && (n === t - 1 ? history.back() : window.navigation.traverseTo(r));
				this.waiting.add(i), this.whenAnswered(i);
			}
		}
	}
	went() {
		this.pressed = !1, this.wentAt = performance.now() + s;
	}
	isAwaited() {
		let e = performance.now() - this.pressedAt;
		return e < o || e < 5e3 && this.asked.isOpen;
	}
	whenAnswered(e) {
		this.isAwaited() ? setTimeout(() => this.whenAnswered(e), s) : e();
	}
	press(e) {
		e instanceof KeyboardEvent && (e.altKey || e.metaKey) || (this.pressed = !0, this.wentAt = -Infinity, this.pressedAt = performance.now(), this.changes.clear());
	}
	isOfTheEntryLeft() {
		return performance.now() < this.wentAt || this.asked.isAhead(this.wentAt);
	}
	fromWidget(e, t, n) {
		if (this.isOfTheEntryLeft()) return;
		let [r, i] = this.addresses(n), a = this.wentAt > -Infinity ? [] : [...r.searchParams.keys(), ...i.searchParams.keys()];
		for (let e of new Set(a)) {
			let t = u(r, e);
			t !== u(i, e) && this.changes.set(e, {
				before: t,
				after: i.searchParams.getAll(e),
				at: performance.now()
			});
		}
		this.write(e, t, i);
	}
	fromPage(e, t, n) {
		if (this.isOfTheEntryLeft()) return;
		let [r, i] = this.addresses(n), o = [];
		for (let [e, { before: t, after: n, at: s }] of this.changes) if (!(i.pathname !== r.pathname || performance.now() - s > a) && t === u(i, e) && t !== JSON.stringify(n)) {
			i.searchParams.delete(e);
			for (let t of n) i.searchParams.append(e, t);
			o.push(e), this.changes.delete(e);
		}
		i.pathname !== r.pathname && this.changes.clear(), this.write(e, t, i), o.length > 0 && setTimeout(() => this.tell(o), 0);
	}
	addresses(e) {
		return [new URL(location.href), new URL(e ?? location.href, location.href)];
	}
	write(e, t, n) {
		let r = this.pressed && l(n, this.keys) !== l(new URL(location.href), this.keys);
		r && (this.pressed = !1), (r ? this.push : this.change)(e, t, n);
	}
}, f = null;
function p(e) {
	f || r(), f ??= new d(history, new t(WebSocket.prototype)), f.keys = e.data.keys, f.tell = (t) => e.setTriggerValue("late", t);
}
export { d as Steps, p as default, l as stepOf };
