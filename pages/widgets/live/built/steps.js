// src/steps.ts
var e = ["pointerdown", "keydown"], t = 2e3;
function n(e, t) {
	return JSON.stringify([e.pathname, ...t.map((t) => e.searchParams.getAll(t))]);
}
var r = (e, t) => JSON.stringify(e.searchParams.getAll(t)), i = class {
	keys = [];
	tell = () => void 0;
	pressed = !1;
	changes = /* @__PURE__ */ new Map();
	push;
	change;
	constructor(t) {
		this.push = t.pushState.bind(t), this.change = t.replaceState.bind(t), t.pushState = (e, t, n) => this.fromPage(e, t, n), t.replaceState = (e, t, n) => this.fromWidget(e, t, n);
		for (let t of e) addEventListener(t, () => this.press(), !0);
		addEventListener("popstate", () => this.pressed = !1, !0);
	}
	press() {
		this.pressed = !0, this.changes.clear();
	}
	fromWidget(e, t, n) {
		let [i, a] = this.addresses(n);
		for (let e of /* @__PURE__ */ new Set([...i.searchParams.keys(), ...a.searchParams.keys()])) {
			let t = r(i, e);
			t !== r(a, e) && this.changes.set(e, {
				before: t,
				after: a.searchParams.getAll(e),
				at: performance.now()
			});
		}
		this.write(e, t, a);
	}
	fromPage(e, n, i) {
		let [a, o] = this.addresses(i), s = [];
		for (let [e, { before: n, after: i, at: c }] of this.changes) if (!(o.pathname !== a.pathname || performance.now() - c > t) && n === r(o, e) && n !== JSON.stringify(i)) {
			o.searchParams.delete(e);
			for (let t of i) o.searchParams.append(e, t);
			s.push(e), this.changes.delete(e);
		}
		o.pathname !== a.pathname && this.changes.clear(), this.write(e, n, o), s.length > 0 && setTimeout(() => this.tell(s), 0);
	}
	addresses(e) {
		return [new URL(location.href), new URL(e ?? location.href, location.href)];
	}
	write(e, t, r) {
		let i = this.pressed && n(r, this.keys) !== n(new URL(location.href), this.keys);
		i && (this.pressed = !1), (i ? this.push : this.change)(e, t, r);
	}
}, a = null;
function o(e) {
	a ??= new i(history), a.keys = e.data.keys, a.tell = (t) => e.setTriggerValue("late", t);
}
export { i as Steps, o as default, n as stepOf };
