// src/steps.ts
var e = ["pointerdown", "keydown"], t = [], n = !1;
function r(e, t) {
	let { pathname: n, searchParams: r } = new URL(e, document.baseURI);
	return JSON.stringify([n, ...t.map((e) => r.getAll(e))]);
}
function i(i) {
	let a = i.pushState.bind(i), o = i.replaceState.bind(i);
	i.pushState = i.replaceState = (e, i, s) => {
		let c = n && s != null && r(s, t) !== r(location.href, t);
		c && (n = !1), (c ? a : o)(e, i, s);
	};
	for (let t of e) addEventListener(t, () => n = !0, !0);
	addEventListener("popstate", () => n = !1, !0);
}
function a({ data: e }) {
	t.length === 0 && i(history), t = e.keys;
}
export { a as default, r as stepOf };
