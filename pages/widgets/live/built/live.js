function e(e, t, n) {
	if (e.direction === null) return [t[e.index], n[e.index]];
	let [r, i] = [-e.offset, 0];
	return e.direction.forEach((e, a) => {
		r += e * t[a], i += (e * n[a]) ** 2;
	}), [r, Math.sqrt(i)];
}
function t(e, t) {
	let n = e.filter(({ active: e }) => e), r = e.filter(({ active: e, low: n, high: r }, i) => e && (t[i] < n || t[i] > r));
	if (!r.length) return "In every dimension in use it lies within the grey band; each band holds 95 % of the reference pictures.";
	let i = r.slice(0, 5).map(({ name: e }) => e), a = r.length > i.length ? ` and ${r.length - i.length} more` : "", o = (n.length * .05).toFixed(1);
	return `Outside the grey bands of ${i.join(", ")}${a}: ${r.length} of ${n.length} in use, reference pictures ${o} on average.`;
}
function n(e) {
	let t = [...e].sort((e, t) => e - t), n = Math.floor(e.length * .005);
	return [t[n], t[t.length - 1 - n]];
}
function r(e, t, n) {
	let r = Float32Array.from(e);
	for (let { key: e, index: i, start: a, at: o, direction: s } of t) {
		let t = n.get(e);
		t !== void 0 && t !== a && (s ? s.forEach((e, n) => r[n] += (t - o) * e) : r[i] = t);
	}
	return r;
}
function i(e, t, n) {
	return Float32Array.from(e, (e, r) => e + n * (t[r] - e));
}
function a(e, t, n) {
	let [r, a] = [Math.hypot(...Array.from(e)), Math.hypot(...Array.from(t))], o = 0;
	for (let n = 0; n < e.length; n++) o += e[n] * t[n];
	let s = Math.acos(Math.min(1, Math.max(-1, o / (r * a)))), c = Math.sin(s);
	if (!(Math.abs(c) >= 1e-4)) return i(e, t, n);
	let l = r + n * (a - r), [u, d] = [l * Math.sin((1 - n) * s) / (c * r), l * Math.sin(n * s) / (c * a)];
	return Float32Array.from(e, (e, n) => u * e + d * t[n]);
}
function o(e) {
	return e === 3 ? [
		[0, 0],
		[1, 0],
		[.5, 1]
	] : [
		[0, 0],
		[1, 0],
		[0, 1],
		[1, 1]
	];
}
function s([e, t], n) {
	return n === 3 ? [
		1 - e - t / 2,
		e - t / 2,
		t
	] : [
		(1 - e) * (1 - t),
		e * (1 - t),
		(1 - e) * t,
		e * t
	];
}
function c(e) {
	return e === 3 ? [.5, 1 / 3] : [.5, .5];
}
function l([e, t], n) {
	if (n !== 3) return [f(e), f(t)];
	if (s([e, t], 3).every((e) => e >= 0)) return [e, t];
	let [r, i, a] = o(3);
	return [
		h([e, t], r, i),
		h([e, t], i, a),
		h([e, t], a, r)
	].reduce((n, r) => p([e, t], r) < p([e, t], n) ? r : n);
}
function u(e, t) {
	let n = new Float32Array(e[0].length);
	return e.forEach((e, r) => {
		for (let i = 0; i < n.length; i++) n[i] += t[r] * e[i];
	}), n;
}
function d(e, t) {
	let n = e.slice(1).map((t, n) => p(e[n], t)), r = n.reduce((e, t) => e + t, 0), i = r === 0 ? 0 : r - Math.abs(t % (2 * r) - r);
	for (let [t, r] of n.entries()) {
		if (i <= r && r > 0) return m(e[t], e[t + 1], i / r);
		i -= r;
	}
	return e[e.length - 1];
}
var f = (e) => Math.min(1, Math.max(0, e)), p = (e, t) => Math.hypot(t[0] - e[0], t[1] - e[1]), m = (e, t, n) => [e[0] + n * (t[0] - e[0]), e[1] + n * (t[1] - e[1])];
function h(e, t, n) {
	let [r, i] = [n[0] - t[0], n[1] - t[1]];
	return m(t, n, f(((e[0] - t[0]) * r + (e[1] - t[1]) * i) / (r * r + i * i)));
}
// src/parts/dom.ts
function g(e, t = {}, ...n) {
	let r = document.createElement(e);
	for (let [e, n] of Object.entries(t)) e.includes("-") || e === "role" || e === "for" ? r.setAttribute(e, String(n)) : r[e] = n;
	return r.append(...n.filter((e) => e !== null)), r;
}
var _ = (e) => new URL(e, document.baseURI).href, ee = .75;
function v(e) {
	let { top: t } = e.getBoundingClientRect();
	for (let n = e; n; n = n instanceof ShadowRoot ? n.host : n.parentNode) n instanceof Element && (t += n.scrollTop);
	return window.innerHeight - t - y(ee);
}
function y(e) {
	return e * (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16);
}
// src/parts/screen.ts
var te = 64, ne = "rgb(128 128 128)", b = class {
	canvas = g("canvas", { role: "img" });
	caption = g("figcaption");
	figure = g("figure", {}, this.canvas, this.caption);
	context = this.canvas.getContext("2d", { willReadFrequently: !1 });
	layout = {
		width: 1,
		height: 1,
		columns: 1,
		count: 1,
		gutter: 0
	};
	parts = /* @__PURE__ */ new Map();
	loading = "";
	request = 0;
	drawn = -1;
	label(e, t = e) {
		this.caption.textContent = e, this.canvas.setAttribute("aria-label", t);
	}
	arrange(e) {
		let t = {
			columns: 1,
			count: 1,
			gutter: 0,
			...e
		}, [n, r] = S(t);
		this.layout = t, (this.canvas.width !== n || this.canvas.height !== r) && (Object.assign(this.canvas, {
			width: n,
			height: r
		}), this.clear());
	}
	clear() {
		this.parts.clear(), this.context.fillStyle = ne, this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
	}
	draw(e, t = 0, n = 1, r = performance.now()) {
		if (e.length !== n * this.layout.width * this.layout.height * 4 || (this.parts.set(t, {
			pixels: e,
			count: n,
			asked: r
		}), this.request)) return;
		let i = document.timeline.currentTime;
		i === this.drawn ? this.request = requestAnimationFrame(() => {
			this.request = 0, this.paint();
		}) : (this.drawn = i, this.paint());
	}
	paint() {
		let { width: e, height: t, columns: n, gutter: r } = this.layout, i = e * t * 4;
		for (let [a, { pixels: o, count: s, asked: c }] of this.parts) {
			for (let c = 0; c < s; c++) {
				let s = new ImageData(o.subarray(c * i, (c + 1) * i), e, t), l = (a + c) % n * (e + r) + r, u = Math.floor((a + c) / n) * (t + r) + r;
				this.context.putImageData(s, l, u);
			}
			let l = {
				first: a,
				count: s,
				asked: c,
				at: performance.now()
			};
			this.canvas.dispatchEvent(new CustomEvent("live-drawn", {
				bubbles: !0,
				composed: !0,
				detail: l
			}));
		}
		this.parts.clear();
	}
	async load(e) {
		let t = new Image();
		t.src = this.loading = e, await t.decode().catch(() => void 0), this.loading === e && t.naturalWidth && this.context.drawImage(t, 0, 0);
	}
	fit(e, t) {
		let { width: n, height: r } = this.canvas, i = x(n, r, e, t) || Math.min(1, e / n);
		this.canvas.style.width = `${n * i}px`, this.canvas.style.height = `${r * i}px`;
	}
	place(e) {
		let { width: t, height: n, columns: r, count: i, gutter: a } = this.layout, o = (e.offsetX / this.canvas.clientWidth * this.canvas.width - a / 2) / (t + a), s = (e.offsetY / this.canvas.clientHeight * this.canvas.height - a / 2) / (n + a), c = Math.floor(s) * r + Math.min(r - 1, Math.max(0, Math.floor(o)));
		return s >= 0 && c < i ? c : -1;
	}
	dispose() {
		cancelAnimationFrame(this.request);
	}
};
function x(e, t, n, r) {
	let i = window.devicePixelRatio || 1, a = Math.min(Math.floor(Math.min(n / e, r / t) * i), te * i);
	return a >= i ? a / i : 0;
}
function S({ width: e, height: t, columns: n, count: r, gutter: i }) {
	return [n * (e + i) + i, Math.ceil(r / n) * (t + i) + i];
}
// src/parts/slider.ts
var C = class {
	scale;
	move;
	report;
	range;
	number;
	name;
	box;
	digits;
	constructor(e, t = () => void 0, n) {
		this.scale = e, this.move = t, this.report = n;
		let { label: r, low: i = 0, high: a = 1, step: o, start: s, name: c = "", note: l = "", number: u } = e, d = {
			min: i,
			max: a,
			step: o
		};
		this.digits = String(o).split(".")[1]?.length ?? 0, this.range = g("input", {
			type: "range",
			...d,
			"aria-label": r
		}), this.number = g("input", {
			type: "number",
			...d,
			...u
		});
		let f = s === void 0 ? "" : "Double-click to put it back";
		this.name = g("span", {
			className: "name",
			title: f
		}, c, g("small", {}, l)), this.box = g("div", { className: "slide" }, this.name, u ? this.number : null, this.range), this.listen();
	}
	listen() {
		let { range: e, number: t, name: n, report: r } = this;
		e.oninput = () => this.go(Number(e.value)), e.onchange = () => r?.later(), e.onwheel = (e) => this.wheel(e), t.onchange = () => this.set(t.valueAsNumber), this.scale.start !== void 0 && (n.ondblclick = e.ondblclick = () => this.set(NaN));
	}
	put(e) {
		let { min: t, max: n } = this.range;
		this.range.value = String(e), this.number.value = e.toFixed(this.digits);
		let r = Math.min(1, Math.max(0, (e - Number(t)) / (Number(n) - Number(t) || 1)));
		this.range.style.setProperty("--filled", `${100 * r}%`);
	}
	limit(e, t, n = t) {
		Object.assign(this.range, {
			min: String(e),
			max: String(t)
		}), this.number.max = String(n);
	}
	go(e, { min: t, max: n } = this.range) {
		let { step: r } = this.scale, i = Number((Math.round(e / r) * r).toFixed(this.digits)), a = Math.min(Number(n), Math.max(Number(t), i));
		this.put(a), this.move(a);
	}
	set(e) {
		this.go(Number.isFinite(e) ? e : this.scale.start ?? Number(this.number.min), this.number), this.report?.now();
	}
	wheel(e) {
		this.range.matches(":focus") && (e.preventDefault(), this.go(Number(this.range.value) - Math.sign(e.deltaY) * (this.scale.nudge ?? 10 * this.scale.step)), this.report?.later());
	}
}, w = .01, re = 5, ie = ["By KL", "By name"], ae = class {
	move;
	report;
	filter = g("input", {
		type: "search",
		placeholder: "Find",
		"aria-label": "Find a slider by its name"
	});
	order = g("select", { "aria-label": "Order of the sliders" }, ...ie.map((e) => g("option", { value: e }, e)));
	list = g("div", { className: "list" });
	fold = g("details", { className: "fold" });
	none = g("p", {
		className: "none",
		hidden: !0
	}, "No slider has this name.");
	box = g("div", { className: "sliders" }, this.list, this.fold, this.none);
	places = /* @__PURE__ */ new Map();
	changed = /* @__PURE__ */ new Map();
	rows = /* @__PURE__ */ new Map();
	constructor(e, t) {
		this.move = e, this.report = t, this.filter.oninput = () => this.arrange();
	}
	get byName() {
		return this.order.selectedIndex === 1;
	}
	show(e, t = "") {
		this.rows = new Map(e.map((e) => [e.key, {
			slide: e,
			slider: this.slider(e)
		}]));
		let n = e.filter(({ active: e }) => !e).length;
		this.list.replaceChildren(), this.fold.replaceChildren(g("summary", {}, `${n} collapsed dimension${n > 1 ? "s" : ""}`), g("p", {}, t)), this.fold.open = n === e.length, this.order.options[0].textContent = e.some(({ kl: e }) => e !== null) ? ie[0] : "By spread", this.filter.hidden = this.order.hidden = e.length < re, this.arrange();
	}
	slider(e) {
		let { key: t, note: n, low: r, high: i, start: a } = e;
		return new C({
			name: t,
			note: n,
			low: r,
			high: i,
			start: a,
			step: w,
			label: `${t}${n}`,
			number: { "aria-label": `Value of ${t}` }
		}, (e) => {
			this.set(t, e), this.move();
		}, this.report);
	}
	arrange() {
		let e = this.filter.hidden ? "" : this.filter.value.trim().toLowerCase(), t = [...this.rows.values()];
		!this.order.hidden && this.byName && t.sort((e, t) => e.slide.key.localeCompare(t.slide.key, "en", { numeric: !0 })), this.box.style.minHeight = e ? `${this.box.getBoundingClientRect().height}px` : "";
		for (let { slide: n, slider: r } of t) r.box.hidden = !n.key.toLowerCase().includes(e), (n.active ? this.list : this.fold).append(r.box);
		let n = t.filter(({ slider: e }) => !e.box.hidden), r = n.filter(({ slide: e }) => !e.active).length;
		this.fold.hidden = r === 0, e && r && (this.fold.open = !0), this.none.hidden = n.length > 0;
	}
	put(e) {
		this.places.clear();
		for (let [t, n] of Object.entries(e)) this.places.set(t, n);
		for (let e of this.rows.values()) this.place(e);
	}
	set(e, t) {
		let n = this.rows.get(e), { low: r, high: i, start: a } = n.slide, o = Math.round(Math.min(i, Math.max(r, t)) / w) * w;
		Math.abs(o - a) < w / 2 ? this.places.delete(e) : this.places.set(e, Number(o.toFixed(2))), this.changed.set(e, this.places.get(e) ?? null), this.place(n);
	}
	reset() {
		for (let e of this.places.keys()) this.set(e, this.rows.get(e).slide.start);
	}
	changes() {
		return Object.fromEntries(this.changed);
	}
	heard() {
		this.changed.clear();
	}
	place({ slide: e, slider: t }) {
		t.put(this.places.get(e.key) ?? e.start), t.box.classList.toggle("moved", this.places.has(e.key));
	}
	moved() {
		return Object.fromEntries([...this.places].sort(([e], [t]) => e < t ? -1 : 1));
	}
}, oe = 250, se = .1, T = class {
	tell;
	timer = 0;
	constructor(e) {
		this.tell = e;
	}
	now() {
		this.cancel(), this.tell();
	}
	later() {
		this.cancel(), this.timer = window.setTimeout(() => this.now(), oe);
	}
	flush() {
		this.timer && this.now();
	}
	cancel() {
		clearTimeout(this.timer), this.timer = 0;
	}
}, E = class {
	motion;
	button;
	report;
	request = 0;
	constructor(e) {
		this.motion = e, this.report = new T(() => e.tell?.()), this.button = g("button", {
			type: "button",
			title: e.title ?? ""
		}, this.words[0]), this.button.onclick = ({ shiftKey: e }) => this.toggle(e);
	}
	get words() {
		return [this.motion.play ?? "Play", this.motion.stop ?? "Pause"];
	}
	get plays() {
		return this.request !== 0;
	}
	toggle(e = !1) {
		this.plays ? this.stop() : this.start(e);
	}
	start(e = !1) {
		if (this.plays) return;
		this.report.cancel(), this.motion.begin?.(e), this.button.textContent = this.words[1];
		let t = performance.now(), n = (e) => {
			this.request = requestAnimationFrame(n), this.motion.step(Math.min(se, (e - t) / 1e3)), t = e;
		};
		this.request = requestAnimationFrame(n);
	}
	offer() {
		return !matchMedia("(prefers-reduced-motion: reduce)").matches && (this.start(), !0);
	}
	rest() {
		this.plays && (cancelAnimationFrame(this.request), this.request = 0, this.button.textContent = this.words[0]);
	}
	stop() {
		this.plays && (this.rest(), this.report.now());
	}
	finish() {
		this.stop(), this.report.flush();
	}
	dispose() {
		this.rest(), this.report.cancel();
	}
}, D = class {
	settled;
	own = "";
	constructor(e) {
		this.settled = e;
	}
	send(e) {
		return this.own = JSON.stringify(e), e;
	}
	isNews(e) {
		return this.own !== "" && !this.settled() ? !1 : this.own !== (this.own = JSON.stringify(e));
	}
}, ce = 4, O = .01, le = 24, ue = 480, de = .6, k = 64, fe = 2.25, pe = 9, me = 6, he = 56, ge = class {
	host;
	ends = [new b(), new b()];
	value = g("output");
	echo = new D(() => this.host.settled);
	transport = new E({
		stop: "Stop",
		title: "There and back",
		begin: () => this.phase = Math.acos(1 - 2 * this.t),
		step: (e) => this.walk(e),
		tell: () => {
			this.echo.send(this.data.slides ? this.sliders.moved() : this.t), this.data.slides ? this.host.tell("places", this.sliders.changes()) : this.host.tell("t", this.t);
		}
	});
	slider = new C({
		label: "t, the place between A and B",
		step: O
	}, (e) => {
		this.transport.rest(), this.go(e);
	}, this.transport.report);
	way = g("div", { className: "way" }, this.ends[0].figure, this.transport.button, this.slider.range, this.value, this.ends[1].figure);
	warning = g("p", {
		className: "warning",
		role: "alert"
	});
	reset = g("button", { type: "button" }, "Reset all");
	sliders = new ae(() => this.decode(), this.transport.report);
	same = g("div", { className: "same" }, g("div", { className: "tools" }, this.reset, this.sliders.filter), this.sliders.box);
	columns = g("div", { className: "columns" });
	root = g("div", { className: "compare" }, this.way, this.warning, this.columns, this.same);
	shown = [];
	data = null;
	t = .5;
	phase = 0;
	busy = !1;
	late = !1;
	constructor(e) {
		this.host = e, e.root.replaceChildren(this.root), this.reset.onclick = () => {
			this.sliders.reset(), this.decode(), this.transport.report.now();
		}, ["A", "B"].forEach((e, t) => this.ends[t].label(e, `Picture ${e}`));
	}
	show(e) {
		let t = !!this.data?.slides != !!e.slides || this.data === null, n = this.data?.about !== e.about || t, r = this.echo.isNews(e.slides ? e.places : e.t) || t;
		this.data = e, (this.host.settled || n) && this.sliders.heard(), this.way.hidden = e.slides !== void 0, this.same.hidden = this.warning.hidden = e.slides === void 0, this.root.classList.toggle("slid", e.slides !== void 0), n && this.build(), e.slides ? (r || n) && this.begin(e.places) : r ? (this.transport.rest(), this.go(e.t)) : n && this.go(this.t);
	}
	begin(e) {
		this.transport.rest(), this.sliders.put(e), this.decode();
	}
	build() {
		let { columns: e, ends: t, slides: n, warning: r } = this.data;
		this.forget(), this.shown = e.map((e) => this.column(e)), this.columns.replaceChildren(...this.shown.map(({ figure: e }) => e)), this.warning.textContent = r ?? "";
		let [, i, a] = e[0].model.shape;
		this.ends.forEach((e, n) => {
			e.arrange({
				width: a,
				height: i
			}), e.load(t[n]);
		}), this.sliders.show((n ?? []).map((e) => ({
			...e,
			active: !0
		})));
		for (let { model: t } of e) this.host.engine.load(t.decoder);
		this.fit();
	}
	column(e) {
		let [, t, n] = e.model.shape, [r, i, a] = [
			new b(),
			new b(),
			new b()
		];
		[
			r,
			i,
			a
		].forEach((e) => e.arrange({
			width: n,
			height: t
		})), r.label("", `${e.name}: decoded now`);
		for (let [t, n] of [[i, "A"], [a, "B"]]) t.label(n, `${e.name}: reconstruction of ${n}`), t.figure.title = `Reconstruction of ${n}`;
		i.load(e.rebuilt[0]), a.load(e.rebuilt[1]);
		let o = g("ul", { title: e.whole }, ...e.facts.map((e) => g("li", {}, e)));
		i.figure.className = "to-a", a.figure.className = "to-b";
		let s = g("div", { className: "rebuilt" }, i.figure, a.figure), c = g("section", { "aria-label": e.name }, g("h2", {}, e.name), g("div", { className: "row" }, r.figure, g("div", { className: "more" }, s, o)));
		return {
			column: e,
			now: r,
			ends: [i, a],
			figure: c
		};
	}
	go(e) {
		this.t = Number((Math.round(e / O) * O).toFixed(2)), this.slider.put(this.t), this.value.textContent = `t = ${this.t.toFixed(2)}`, this.decode();
	}
	decode() {
		if (this.reset.disabled = this.sliders.places.size === 0, this.busy) {
			this.late = !0;
			return;
		}
		let e = performance.now(), { shown: t } = this, n = [];
		this.busy = !0, this.late = !1, t.forEach((r, i) => {
			let [a, o] = this.point(r.column);
			this.host.engine.decode(r, {
				model: r.column.model,
				z: a,
				y: o,
				rows: 1,
				onPixels: (r) => {
					this.shown === t && (n[i] = r, t.some((e, t) => !n[t]) || (n.forEach((n, r) => t[r].now.draw(n, 0, 1, e)), this.busy = !1, this.late && this.decode()));
				}
			});
		});
	}
	point({ a: e, b: t, ya: n, yb: a }) {
		let { slides: o, columns: s } = this.data;
		return o ? [r(s[0].a, o, this.sliders.places), n ? Float32Array.from(n) : void 0] : [i(e, t, this.t), n && a ? i(n, a, this.t) : void 0];
	}
	forget() {
		for (let e of this.shown) {
			this.host.engine.cancel(e);
			for (let t of [e.now, ...e.ends]) t.dispose();
		}
		this.busy = this.late = !1;
	}
	walk(e) {
		this.phase += e / ce * Math.PI, this.go((1 - Math.cos(this.phase)) / 2);
	}
	finish() {
		this.transport.finish();
	}
	fit() {
		if (!this.shown.length) return;
		let { across: e, wide: t, tall: n, beside: r } = this.largest();
		this.columns.style.gridTemplateColumns = `repeat(${e}, minmax(0, 1fr))`, this.columns.classList.toggle("beside", r);
		for (let { now: e, ends: r } of this.shown) {
			e.fit(t, n);
			for (let e of r) e.fit(k, k);
		}
		for (let e of this.ends) e.fit(he, he);
	}
	largest() {
		let [, e, t] = this.shown[0].column.model.shape, n = this.data.slides !== void 0 && this.columns.clientWidth === this.root.clientWidth, r = window.innerHeight * this.data.share, i = this.columns.clientWidth < ue ? Math.ceil(this.shown.length / 2) : 1, a = Math.max(r, v(this.columns)) * i * (n ? de : 1), o = this.shown.flatMap((e, t) => {
			let n = Math.ceil(this.shown.length / (t + 1)), r = (this.columns.clientWidth - le * (n - 1)) / n, i = (a - le * t) / (t + 1) - y(fe);
			return [{
				across: n,
				wide: r,
				tall: i - k - y(me),
				beside: !1
			}, {
				across: n,
				wide: r - y(pe),
				tall: i,
				beside: !0
			}];
		}), s = (n) => x(t, e, n.wide, n.tall);
		return o.reduce((e, t) => s(t) > s(e) ? t : e);
	}
	dispose() {
		this.transport.dispose(), this.forget();
		for (let e of this.ends) e.dispose();
	}
}, A = ([e, t, n, r]) => ({
	x: (e + n) / 2,
	y: (t + r) / 2,
	width: n - e,
	height: r - t
});
function _e(e, t) {
	let [n, r] = [e.width, e.height].map((e) => Math.min(1, Math.max(t, Math.abs(e)))), i = Math.min(1 - n / 2, Math.max(n / 2, e.x)), a = Math.min(1 - r / 2, Math.max(r / 2, e.y));
	return [
		i - n / 2,
		a - r / 2,
		i + n / 2,
		a + r / 2
	];
}
function ve(e, t, [n, r], [i, a], o, s) {
	let c = o * Math.PI / 180, [l, u] = [Math.cos(c), Math.sin(c)], d = Math.max(s, e.width + t[0] * (n * l + r * u) / i), f = Math.max(s, e.height + t[1] * (r * l - n * u) / a), p = t[0] * (d - e.width) * i / 2, m = t[1] * (f - e.height) * a / 2;
	return {
		x: e.x + (p * l - m * u) / i,
		y: e.y + (p * u + m * l) / a,
		width: d,
		height: f
	};
}
var ye = ([e, t], [n, r]) => ({
	x: e + n / 2,
	y: t + r / 2,
	width: n,
	height: r
}), be = (e, t) => Math.min(0, Math.max(1 - t, .5 - t * e)), xe = 40, Se = .6, Ce = 6, we = 1.2, Te = .01, Ee = 3, De = {
	ArrowLeft: [-1, 0],
	ArrowRight: [1, 0],
	ArrowUp: [0, -1],
	ArrowDown: [0, 1]
}, Oe = [
	[-1, -1],
	[1, -1],
	[-1, 1],
	[1, 1]
], ke = class {
	host;
	picture = g("img", { draggable: !1 });
	shade = g("i");
	frame = g("div", {
		className: "frame",
		tabIndex: 0,
		role: "group",
		"aria-label": "Rectangle that is cut out: arrow keys move it, with Shift they change its width and height"
	}, ...Oe.map(([e, t]) => g("i", {
		"data-x": e,
		"data-y": t,
		style: `--x: ${e}; --y: ${t}`
	})));
	plane = g("div", { className: "plane" }, this.picture, g("div", { className: "shade" }, this.shade), this.frame);
	photograph = g("div", { className: "photograph" }, this.plane);
	ink = g("img", { className: "ink" });
	reset = g("button", { type: "button" }, "Reset");
	closer = g("button", { type: "button" });
	doubts = g("p", {
		className: "doubts",
		role: "status"
	});
	report = new T(() => this.tell());
	turn = this.slider("Turn", "turn", .5, "Degrees that the rectangle is turned by in the photograph.");
	threshold = this.slider("Threshold", "threshold", .01, "How much darker than the paper a pixel must be to be ink: 0 is paper, 1 is black.");
	box = g("div", {
		className: "cutout",
		role: "group"
	}, g("p", {}, "Cut out of your photograph. Drag the rectangle to correct it."), g("div", { className: "pair" }, this.photograph, g("div", { className: "beside" }, this.ink, this.reset, this.closer)), g("div", { className: "settings" }, this.turn.box, this.threshold.box), this.doubts);
	data = null;
	own = {
		crop: [
			0,
			0,
			1,
			1
		],
		turn: 0,
		threshold: 0
	};
	moved = /* @__PURE__ */ new Set();
	told = /* @__PURE__ */ new Set();
	zoomed = null;
	constructor(e) {
		this.host = e, e.root.replaceChildren(this.box), this.photograph.onpointerdown = (e) => this.grab(e), this.frame.onkeydown = (e) => this.press(e), this.picture.onload = () => this.draw(), this.closer.onclick = () => this.zoom(this.zoomed === null), this.reset.onclick = () => {
			this.moved.clear(), this.told.clear(), this.told.add("reset"), this.report.now();
		};
	}
	slider(e, t, n, r) {
		let i = new C({
			name: e,
			label: e,
			step: n,
			number: { "aria-label": `Value of the ${t}` }
		}, (e) => this.change(t, e), this.report);
		return i.box.title = r, i;
	}
	show(e) {
		let t = this.data?.photograph !== e.photograph;
		this.data = e, t && (this.report.cancel(), this.moved.clear()), (t || this.host.settled) && this.told.clear();
		let { crop: n, turn: r, threshold: i } = e;
		for (let [e, t] of Object.entries({
			crop: n,
			turn: r,
			threshold: i
		})) !this.moved.has(e) && !this.told.has(e) && (this.own[e] = t);
		this.box.setAttribute("aria-label", `Cut out for ${e.name}`), Object.assign(this.picture, {
			alt: e.alt,
			...t && { src: e.photograph }
		}), Object.assign(this.ink, {
			src: e.ink,
			alt: e.inkAlt
		}), this.doubts.textContent = e.doubts, this.turn.limit(-e.turns, e.turns), this.threshold.limit(...e.thresholds), this.reset.disabled = !e.changed, t ? this.zoom(!1) : this.draw();
	}
	change(e, t) {
		this.own[e] = t, this.moved.add(e), this.draw();
	}
	put(e) {
		this.change("crop", _e(e, this.data.smallest));
	}
	tell() {
		for (let e of this.moved) this.told.add(e);
		this.moved.clear();
		let e = [...this.told].map((e) => [e, e === "reset" || this.own[e]]);
		e.length && this.host.tell("changed", Object.fromEntries(e));
	}
	get closeness() {
		let { width: e, height: t } = A(this.own.crop);
		return Math.min(Ce, Se / Math.max(e, t));
	}
	draw() {
		let { crop: e, turn: t, threshold: n } = this.own, r = this.zoomed !== null;
		this.closer.disabled = !r && this.closeness < we, this.closer.textContent = r ? "Zoom out" : "Zoom in", this.closer.setAttribute("aria-pressed", String(r));
		let [i, a, o, s] = e.map((e) => 100 * e), [c, l] = [o - i, s - a].map((e) => `${e}%`);
		for (let { style: e } of [this.frame, this.shade]) Object.assign(e, {
			left: `${i}%`,
			top: `${a}%`,
			width: c,
			height: l,
			transform: `rotate(${t}deg)`
		});
		this.frame.classList.toggle("small", Math.min(this.frame.offsetWidth, this.frame.offsetHeight) < xe), this.turn.put(t), this.threshold.put(n);
	}
	zoom(e) {
		for (let e of [this.photograph, this.plane]) e.removeAttribute("style");
		if (this.photograph.classList.remove("zoomed"), this.zoomed = e ? window.innerWidth : null, e) {
			let { width: e, height: t } = this.picture.getBoundingClientRect(), { x: n, y: r } = A(this.own.crop), i = this.closeness, a = `${100 * i}%`, [o, s] = [n, r].map((e) => `${100 * be(e, i)}%`);
			Object.assign(this.photograph.style, {
				width: `${e}px`,
				height: `${t}px`
			}), Object.assign(this.plane.style, {
				width: a,
				height: a,
				left: o,
				top: s
			}), this.photograph.classList.add("zoomed");
		}
		this.draw();
	}
	grab(e) {
		let t = e.target === this.picture;
		if (e.button || e.pointerType === "touch" && t) return;
		e.preventDefault(), this.frame.focus({ preventScroll: !0 }), this.photograph.setPointerCapture(e.pointerId);
		let { left: n, top: r, width: i, height: a } = this.picture.getBoundingClientRect(), { x: o, y: s } = e.target.dataset, c = this.own.crop, l = this.moved.has("crop"), u = A(c), d = (t) => [t.clientX - e.clientX, t.clientY - e.clientY], f = (c) => {
			let l = d(c), [f, p] = [l[0] / i, l[1] / a];
			return t ? ye([(e.clientX - n) / i, (e.clientY - r) / a], [f, p]) : o === void 0 ? {
				...u,
				x: u.x + f,
				y: u.y + p
			} : ve(u, [Number(o), Number(s)], l, [i, a], this.own.turn, this.data.smallest);
		};
		this.photograph.onpointermove = (e) => this.put(f(e)), this.photograph.onpointerup = this.photograph.onpointercancel = (e) => {
			if (this.photograph.onpointermove = this.photograph.onpointerup = this.photograph.onpointercancel = null, e.type === "pointerup" && Math.hypot(...d(e)) > Ee) return this.report.now();
			this.own.crop = c, l || this.moved.delete("crop"), this.draw();
		};
	}
	press(e) {
		let t = De[e.key];
		if (t === void 0) return;
		e.preventDefault();
		let { x: n, y: r, width: i, height: a } = A(this.own.crop), [o, s] = [t[0] * Te, t[1] * Te], { smallest: c } = this.data;
		if (e.shiftKey) {
			let e = {
				width: Math.max(c, i + o),
				height: Math.max(c, a + s)
			};
			this.put({
				x: n + o / 2,
				y: r + s / 2,
				...e
			});
		} else this.put({
			x: n + o,
			y: r + s,
			width: i,
			height: a
		});
		this.report.later();
	}
	finish() {
		this.report.flush();
	}
	fit() {
		this.zoomed !== null && this.zoomed !== window.innerWidth ? this.zoom(!1) : this.data && this.draw();
	}
	dispose() {
		this.report.cancel();
	}
}, Ae = 150, j = 34, je = 64, Me = 17, Ne = 30, Pe = .12, Fe = "http://www.w3.org/2000/svg";
function M(e, t) {
	let n = document.createElementNS(Fe, e);
	return N(n, t), n;
}
var N = (e, t) => Object.entries(t).forEach(([t, n]) => e.setAttribute(t, String(n))), Ie = class {
	svg = M("svg", { role: "img" });
	box = g("div", {
		className: "bars",
		tabIndex: 0
	}, this.svg);
	axes = [];
	found = null;
	marks = [];
	reach = 0;
	show(e) {
		this.axes = e, this.found = null, this.build();
	}
	put(e) {
		if (this.found = e, this.reach !== this.wanted()) return this.build();
		this.place();
	}
	wanted() {
		let t = this.axes.flatMap(({ low: e, high: t }) => [-e, t]), n = 1.25 * Math.max(...t, .1), { mean: r, std: i } = this.found ?? {
			mean: [],
			std: []
		}, a = this.found ? Math.max(...this.axes.map((t) => Math.abs(e(t, r, i)[0]))) : 0;
		return a <= n ? n : n * Math.ceil(a / n);
	}
	build() {
		let e = this.box.clientWidth - j, t = this.axes.length;
		if (e <= 0 || !t) return;
		this.reach = this.wanted();
		let n = Math.min(90, Math.max(Me, e / Math.min(t, je))), r = j + n * t;
		N(this.svg, {
			width: r,
			height: 174,
			viewBox: `0 0 ${r} 174`
		});
		let i = n >= Ne ? 1 : Math.ceil(Ne / n);
		this.marks = [], this.svg.replaceChildren(...this.scale(r)), this.axes.forEach((e, t) => {
			let [r, a] = [j + t * n, n * .7], o = r + (n - a) / 2, [s, c] = [this.y(e.high), this.y(e.low)], l = M("title", {}), u = M("rect", {
				class: "bar",
				x: o + a * .2,
				width: a * .6
			}), d = M("path", {
				class: "spread",
				"data-x": o + a / 2,
				"data-w": a * .25
			}), f = M("g", e.active ? {} : { class: "collapsed" });
			if (f.append(l, M("rect", {
				class: "band",
				x: o,
				width: a,
				y: s,
				height: c - s
			}), u, d), t % i === 0) {
				let t = M("text", {
					x: r + n / 2,
					y: 168,
					"text-anchor": "middle"
				});
				t.textContent = e.name, f.append(t);
			}
			this.svg.append(f), this.marks.push({
				bar: u,
				spread: d,
				title: l
			});
		}), this.place();
	}
	y(e) {
		return Ae / 2 * (1 - Math.min(1, Math.max(-1, e / this.reach)));
	}
	scale(e) {
		let t = 10 ** Math.floor(Math.log10(this.reach)), n = t * Math.floor(this.reach * .92 / t);
		return [
			-n,
			0,
			n
		].flatMap((t) => {
			let n = M("text", {
				x: 28,
				y: this.y(t) + 5,
				"text-anchor": "end"
			});
			return n.textContent = String(Number(t.toPrecision(3))), [M("line", {
				class: "line",
				x1: j,
				x2: e,
				y1: this.y(t),
				y2: this.y(t)
			}), n];
		});
	}
	place() {
		let t = [];
		this.axes.forEach((n, r) => {
			let { bar: i, spread: a, title: o } = this.marks[r];
			for (let e of [i, a]) e.toggleAttribute("hidden", !this.found);
			if (o.textContent = `${n.name}: 95 % of the reference pictures from ${n.low.toFixed(2)} to ${n.high.toFixed(2)}`, !this.found) return;
			let [s, c] = e(n, this.found.mean, this.found.std), [l, u] = [Math.min(this.y(s), this.y(0)), Math.max(this.y(s), this.y(0))];
			N(i, {
				y: l,
				height: Math.max(1, u - l)
			});
			let [d, f] = [Number(a.dataset.x), Number(a.dataset.w)], [p, m] = [this.y(s + c), this.y(s - c)];
			N(a, { d: c > 0 ? `M${d} ${p}V${m}M${d - f} ${p}h${2 * f}M${d - f} ${m}h${2 * f}` : "" }), o.textContent = `${n.name}: ${s.toFixed(2)} ± ${c.toFixed(2)}; ${o.textContent.slice(n.name.length + 2)}`, t.push(`${n.name} ${s.toFixed(2)} ± ${c.toFixed(2)}`);
		});
		let n = "Mean and standard deviation of each dimension, over the band of the reference pictures";
		this.svg.setAttribute("aria-label", t.length ? `${n}: ${t.slice(0, 16).join(", ")}` : `${n}; nothing is drawn yet`);
	}
}, Le = class {
	points = M("g", { class: "points" });
	spread = [1, 2].map(() => M("ellipse", { class: "spread" }));
	cross = M("path", { class: "cross" });
	svg = M("svg", {
		role: "img",
		preserveAspectRatio: "xMidYMid meet"
	});
	legend = g("p", { className: "legend" });
	box = g("figure", { className: "plane" }, this.svg, this.legend);
	ends = [
		-3,
		3,
		-3,
		3
	];
	constructor() {
		this.svg.append(this.points, this.cross, ...this.spread);
	}
	show(e) {
		let t = e.map(({ colour: e, points: t }) => {
			let n = "";
			for (let e = 0; e < t.length; e += 2) n += `M${t[e]} ${-t[e + 1]}h0`;
			return M("path", {
				d: n,
				stroke: e
			});
		});
		this.points.replaceChildren(...t), this.legend.replaceChildren(...e.filter(({ name: e }) => e).map(({ name: e, colour: t }) => {
			let n = g("i", { "aria-hidden": "true" });
			return n.style.background = t, g("span", {}, n, e);
		}));
		let [r, i] = [0, 1].map((t) => e.flatMap(({ points: e }) => e.filter((e, n) => n % 2 === t)));
		r.length && (this.ends = [...n(r), ...n(i)]), this.put(null);
	}
	put(e) {
		for (let t of [...this.spread, this.cross]) t.toggleAttribute("hidden", !e);
		let [t, n, r, i] = this.ends, a = "The plane of the latent space with the reference pictures; nothing is drawn yet";
		if (e) {
			let [[o, s], [c, l]] = [e.mean, e.std];
			this.spread.forEach((e, t) => N(e, {
				cx: o,
				cy: -s,
				rx: (t + 1) * c,
				ry: (t + 1) * l
			})), [t, n, r, i] = [
				Math.min(t, o),
				Math.max(n, o),
				Math.min(r, s),
				Math.max(i, s)
			], a = `Your drawing in the plane of the latent space: z0 ${o.toFixed(2)} ± ${c.toFixed(2)}, z1 ${s.toFixed(2)} ± ${l.toFixed(2)}`;
		}
		let [o, s] = [n - t, i - r], c = [
			t - Pe * o,
			-i - Pe * s,
			o * 1.24,
			s * 1.24
		];
		N(this.svg, {
			viewBox: c.join(" "),
			"aria-label": a
		});
		let l = 10 * Math.max(o, s);
		e && N(this.cross, { d: `M${-l} ${-e.mean[1]}H${l}M${e.mean[0]} ${-l}V${l}` });
	}
	fit(e, t) {
		N(this.svg, {
			width: e,
			height: t
		});
	}
}, Re = .1, ze = .1, Be = .1;
function Ve(e) {
	let t = Math.abs(e);
	return t < 1 ? (1.5 * t - 2.5) * t * t + 1 : t < 2 ? ((-.5 * t + 2.5) * t - 4) * t + 2 : 0;
}
function He(e, t) {
	let n = e / t, r = Math.max(1, n);
	return Array.from({ length: t }, (t, i) => {
		let a = (i + .5) * n, o = Math.max(0, Math.trunc(a - 2 * r + .5)), s = Math.min(e, Math.trunc(a + 2 * r + .5)), c = Float32Array.from({ length: s - o }, (e, t) => Ve((o + t - a + .5) / r)), l = c.reduce((e, t) => e + t, 0);
		return {
			first: o,
			shares: c.map((e) => e / l)
		};
	});
}
function Ue(e, t, n) {
	let r = e.length / t, i = new Float32Array(r * n);
	return He(t, n).forEach(({ first: n, shares: a }, o) => {
		for (let s = 0; s < r; s++) {
			let c = 0;
			for (let r = 0, i = s * t + n; r < a.length; r++, i++) c += a[r] * e[i];
			i[o * r + s] = c;
		}
	}), i;
}
function We({ width: e, height: t, values: n }, r, i) {
	return {
		width: r,
		height: i,
		values: Ue(Ue(n, e, r), t, i).map((e) => Math.min(1, Math.max(0, e)))
	};
}
function Ge({ width: e, height: t, values: n }, r) {
	let i = new Float32Array(r ? t : e);
	return n.forEach((t, n) => i[r ? Math.floor(n / e) : n % e] += t), i;
}
function Ke(e, t) {
	let n = e.reduce((e, t) => e + t, 0), r = e.reduce((e, t, n) => e + t * (n + .5), 0) / n;
	return Math.min(Math.max(Math.ceil(t / 2 - r), 0), t - e.length);
}
function qe({ width: e, height: t, values: n }) {
	let r = n.reduce((e, t) => Math.max(e, t), 0);
	if (r < Re) return null;
	let [i, a, o, s] = [
		e,
		0,
		t,
		0
	];
	n.forEach((t, n) => {
		if (t <= ze * r) return;
		let [c, l] = [n % e, Math.floor(n / e)];
		[i, a, o, s] = [
			Math.min(i, c),
			Math.max(a, c + 1),
			Math.min(o, l),
			Math.max(s, l + 1)
		];
	});
	let c = {
		width: a - i,
		height: s - o,
		values: new Float32Array((a - i) * (s - o))
	};
	for (let t = 0; t < c.height; t++) {
		let r = (o + t) * e + i;
		c.values.set(n.subarray(r, r + c.width), t * c.width);
	}
	return c;
}
function Je(e) {
	let { width: t, height: n, values: r } = e, i = (e, i) => e < 0 || i < 0 || e >= t || i >= n ? 0 : r[i * t + e], [a, o] = [0, 0];
	for (let e = 0; e <= n; e++) for (let n = 0; n <= t; n++) a += Math.abs(i(n, e) - i(n - 1, e)) + Math.abs(i(n, e) - i(n, e - 1)), o += i(n, e);
	let s = 2 * o / (a * Math.PI / 4), c = Math.floor(Math.round(Be * Math.max(t, n) - s) / 2);
	if (c < 1) return e;
	let [l, u] = [t + 2 * c, n + 2 * c];
	return {
		width: l,
		height: u,
		values: Ye(Ye(r, t, c), n, c)
	};
}
function Ye(e, t, n) {
	let r = e.length / t, i = new Float32Array(r * (t + 2 * n));
	for (let a = 0; a < r; a++) for (let o = 0; o < t; o++) {
		let s = e[a * t + o];
		if (s !== 0) for (let e = o; e <= o + 2 * n; e++) i[e * r + a] = Math.max(i[e * r + a], s);
	}
	return i;
}
function Xe(e, t, n, r) {
	let i = qe(e);
	if (!i) return null;
	let a = r.brighten ? Je(i) : i, o = Math.min(r.box * t / a.width, r.box * n / a.height), [s, c] = [a.width, a.height].map((e) => Math.max(1, Math.round(e * o))), l = We(a, s, c), u = l.values.reduce((e, t) => Math.max(e, t), 0);
	r.brighten && (l.values = l.values.map((e) => e / u));
	let d = r.mass ? l : {
		...l,
		values: l.values.map(() => 1)
	}, [f, p] = [Ke(Ge(d, 0), t), Ke(Ge(d, 1), n)], m = {
		width: t,
		height: n,
		values: new Float32Array(t * n)
	};
	for (let e = 0; e < c; e++) m.values.set(l.values.subarray(e * s, (e + 1) * s), (p + e) * t + f);
	return m;
}
function Ze(e, t, n, r) {
	return {
		width: t,
		height: n,
		values: Float32Array.from({ length: t * n }, (t, n) => e[4 * n + r] / 255)
	};
}
function Qe(e, t) {
	return e.map((e) => t ? Number(e >= .5) : Math.round(e * 255) / 255);
}
function $e(e, t, [n, r, i], a, o) {
	let s = new Float32Array(n * r * i);
	for (let o = 0; o < n; o++) {
		let n = Ze(e, t.width, t.height, o), c = a && Xe(n, i, r, a) || We(n, i, r);
		s.set(c.values, o * r * i);
	}
	return Qe(s, o);
}
// src/decode/pixels.ts
function et(e, t, n, r = 255) {
	let i = e.length / (t * n), a = new Uint8ClampedArray(i * n * 4), [o, s] = t === 3 ? [n, 2 * n] : [0, 0];
	for (let c = 0, l = 0, u = 0; c < i; c++, l += t * n) for (let t = l; t < l + n; t++, u += 4) a[u] = e[t] * r, a[u + 1] = e[t + o] * r, a[u + 2] = e[t + s] * r, a[u + 3] = 255;
	return a;
}
// src/views/draw/paper.ts
var P = [], tt = (e) => e.slice(e.lastIndexOf(null) + 1).filter((e) => e !== null), nt = class {
	pen;
	changed;
	canvas = g("canvas", {
		role: "img",
		tabIndex: 0,
		"aria-label": "Drawing area: draw with mouse, finger or pen"
	});
	hint = g("p", { className: "hint" }, "Draw here with mouse, finger or pen");
	box = g("div", { className: "paper" }, this.canvas, this.hint);
	context = this.canvas.getContext("2d");
	stroke = null;
	constructor(e, t) {
		this.pen = e, this.changed = t, this.canvas.onpointerdown = (e) => this.begin(e), this.canvas.onpointermove = (e) => this.go(e), this.canvas.onlostpointercapture = () => this.stroke = null, this.canvas.onkeydown = (e) => {
			e.key.toLowerCase() === "z" && (e.ctrlKey || e.metaKey) && (e.preventDefault(), this.undo());
		};
	}
	get drawn() {
		return tt(P);
	}
	get hasPast() {
		return P.length > 0;
	}
	undo() {
		P.pop(), this.changed();
	}
	clear() {
		P.push(null), this.changed();
	}
	show(e) {
		let { drawn: t } = this;
		this.hint.hidden = t.length > 0, F(this.context, t, e);
	}
	begin(e) {
		this.stroke || e.button !== 0 || (this.canvas.setPointerCapture(e.pointerId), this.stroke = {
			points: [this.point(e)],
			...this.pen()
		}, P.push(this.stroke), this.changed());
	}
	go(e) {
		if (!this.stroke || !this.canvas.hasPointerCapture(e.pointerId)) return;
		let t = e.getCoalescedEvents?.() ?? [];
		for (let n of t.length ? t : [e]) this.stroke.points.push(this.point(n));
		this.changed();
	}
	point(e) {
		let t = this.canvas.getBoundingClientRect();
		return [(e.clientX - t.left) / t.width, (e.clientY - t.top) / t.width];
	}
};
function F(e, t, { dark: n, coloured: r }) {
	let { width: i, height: a } = e.canvas, [o, s] = n ? ["#000000", "#ffffff"] : ["#ffffff", "#000000"];
	e.fillStyle = o, e.fillRect(0, 0, i, a), e.lineCap = e.lineJoin = "round";
	for (let { points: n, thickness: a, colour: c } of t) {
		let [[t, l], ...u] = n;
		e.strokeStyle = c === null ? o : r ? c : s, e.lineWidth = a * i, e.beginPath(), e.moveTo(t * i, l * i);
		for (let [n, r] of u.length ? u : [[t + 1e-4, l]]) e.lineTo(n * i, r * i);
		e.stroke();
	}
}
// src/views/draw/draw.ts
var rt = 256, it = 600, at = 760, ot = 512, st = .09, ct = "rgb(128 128 128)", lt = class {
	host;
	paper = new nt(() => ({
		thickness: Number(this.thickness.range.value),
		colour: this.eraser.ariaPressed === "true" ? null : this.colour.value
	}), () => this.later());
	field = g("canvas").getContext("2d", { willReadFrequently: !0 });
	seen = new b();
	rebuilt = new b();
	bars = new Ie();
	plane = new Le();
	said = g("p", {
		className: "said",
		role: "status"
	});
	pen = g("button", { type: "button" }, "Pen");
	eraser = g("button", { type: "button" }, "Eraser");
	thickness = new C({
		label: "Thickness",
		low: .02,
		high: .3,
		step: .01,
		nudge: .01
	});
	colour = g("input", {
		type: "color",
		"aria-label": "Colour of the pen"
	});
	centre = g("input", { type: "checkbox" });
	centring = g("label", { title: "As the training data were made: scaled to one size, the ink in the middle" }, this.centre, "Cut out and centred");
	undo = g("button", {
		type: "button",
		title: "Undo the last stroke (Ctrl+Z)"
	}, "Undo");
	clear = g("button", { type: "button" }, "Clear");
	pair = g("div", { className: "pair" }, this.seen.figure, this.rebuilt.figure);
	boards;
	root;
	sends;
	data = null;
	x = null;
	request = 0;
	busy = !1;
	late = !1;
	constructor(e) {
		this.host = e;
		let t = [
			["Use as A", "a"],
			["Use as B", "b"],
			["Traverse from here", "start"]
		];
		this.sends = t.map(([e, t]) => {
			let n = g("button", {
				type: "button",
				className: `to-${t}`
			}, e);
			return n.onclick = () => this.send(t), n;
		});
		let n = g("button", {
			type: "button",
			title: "The drawing, what the model sees, and the reconstruction"
		}, "Pictures (PNG)");
		n.onclick = () => this.save(), this.sends.push(n);
		let r = g("figure", {}, this.paper.box, g("figcaption", {}, "Your drawing")), i = g("div", { className: "tools sends" }, ...this.sends);
		this.boards = g("div", { className: "boards" }, r, this.pair, this.plane.box, i);
		let a = g("label", { className: "thickness" }, "Thickness", this.thickness.range), o = g("div", { className: "tools" }, this.pen, this.eraser, a, this.colour, this.centring, this.undo, this.clear);
		this.root = g("div", { className: "draw" }, o, this.boards, this.said, this.bars.box), e.root.replaceChildren(this.root), this.listen();
	}
	show(e) {
		let t = this.data?.model.key !== e.model.key;
		if (this.data = e, !t) return;
		let [n, r, i] = e.model.shape;
		for (let e of [this.seen, this.rebuilt]) e.arrange({
			width: i,
			height: r
		});
		this.colour.hidden = n === 1, this.colour.value = e.dark ? "#ffffff" : "#000000", this.centring.hidden = e.centring === null, this.centre.checked = e.centre, this.plane.box.hidden = e.plane === null, this.bars.box.hidden = e.plane !== null, this.root.classList.toggle("flat", e.plane !== null), this.use(null), e.plane ? this.plane.show(e.plane) : this.bars.show(e.axes), this.host.engine.load(e.model.encoder), this.host.engine.load(e.model.decoder);
		let a = rt / Math.max(i, r);
		Object.assign(this.field.canvas, {
			width: Math.round(i * a),
			height: Math.round(r * a)
		}), this.update();
	}
	listen() {
		this.pen.onclick = () => this.use("pen"), this.eraser.onclick = () => this.use("eraser"), this.colour.oninput = () => this.use("pen"), this.centre.onchange = () => this.later(), this.undo.onclick = () => this.paper.undo(), this.clear.onclick = () => this.paper.clear(), this.thickness.put(st);
	}
	use(e) {
		this.pen.ariaPressed = String(e !== "eraser"), this.eraser.ariaPressed = String(e === "eraser");
	}
	later() {
		this.request ||= requestAnimationFrame(() => {
			this.request = 0, this.update();
		});
	}
	update() {
		let { drawn: e, hasPast: t } = this.paper;
		this.paper.show(this.look), this.undo.disabled = !t, this.clear.disabled = e.length === 0;
		for (let t of this.sends) t.disabled = e.length === 0;
		if (!e.length) return this.blank();
		let { model: n, centring: r, bits: i } = this.data;
		F(this.field, e, this.look);
		let { width: a, height: o } = this.field.canvas, { data: s } = this.field.getImageData(0, 0, a, o);
		this.x = $e(s, {
			width: a,
			height: o
		}, n.shape, this.centre.checked ? r : null, i), this.seen.draw(this.pixelsOf(this.x)), this.encode();
	}
	get look() {
		let { dark: e, model: t } = this.data;
		return {
			dark: e,
			coloured: t.shape[0] > 1
		};
	}
	pixelsOf(e) {
		let [t, n, r] = this.data.model.shape;
		return et(e, t, n * r);
	}
	blank() {
		this.x = null, this.late = !1, this.host.engine.cancel(this);
		for (let e of [this.seen, this.rebuilt]) e.clear();
		this.put(null);
	}
	encode() {
		if (this.busy) {
			this.late = !0;
			return;
		}
		let { model: e } = this.data, t = performance.now();
		this.busy = !0, this.late = !1, this.host.engine.encode(e, this.x).then((n) => this.encoded(e, n, t), (e) => {
			this.busy = !1, this.host.fail(e.message);
		});
	}
	encoded(e, t, n) {
		this.busy = !1, this.host.fail(""), this.isOpen(e) && this.decode(e, t, n), this.late && this.x && this.encode();
	}
	decode(e, t, n) {
		let { mean: r, std: i, y: a } = t;
		this.put({
			mean: r,
			std: i,
			y: a
		}), this.host.engine.decode(this, {
			model: e,
			z: r,
			y: a,
			rows: 1,
			onPixels: (t) => this.isOpen(e) && this.rebuilt.draw(t, 0, 1, n)
		});
	}
	isOpen(e) {
		return this.x !== null && this.data.model.key === e.key;
	}
	put(n) {
		let { axes: r, plane: i, classes: a, sees: o } = this.data;
		this.pair.classList.toggle("empty", !n), this.seen.label(`What the model sees: ${o}`, "Your drawing as the model sees it"), this.rebuilt.label(n?.y ? `Reconstruction; ${ut(n.y, a)}` : "Reconstruction", "Reconstruction of your drawing"), i ? this.plane.put(n) : this.bars.put(n), i ? this.said.textContent = "Each point is a reference picture; the cross is your drawing, with 1 and 2 standard deviations around it." : n ? this.said.textContent = t(r, r.map((t) => e(t, n.mean, n.std)[0])) : this.said.textContent = "Below, every dimension of the latent space; grey is where 95 % of the reference pictures lie.";
	}
	send(e) {
		let [, t, n] = this.data.model.shape, r = g("canvas", {
			width: n,
			height: t
		});
		r.getContext("2d").putImageData(new ImageData(this.pixelsOf(this.x), n, t), 0, 0), this.host.tell("sent", {
			to: e,
			png: r.toDataURL("image/png"),
			at: Date.now()
		});
	}
	save() {
		let [, e, t] = this.data.model.shape, n = Math.max(1, Math.round(ot / Math.max(e, t))), [r, i, a] = [
			t * n,
			e * n,
			n
		], o = g("canvas", {
			width: 3 * r + 4 * a,
			height: i + 2 * a
		}).getContext("2d");
		o.fillStyle = ct, o.fillRect(0, 0, o.canvas.width, o.canvas.height), o.imageSmoothingEnabled = !1;
		let s = g("canvas", {
			width: r,
			height: i
		}).getContext("2d");
		F(s, this.paper.drawn, this.look), [
			s.canvas,
			this.seen.canvas,
			this.rebuilt.canvas
		].forEach((e, t) => o.drawImage(e, a + t * (r + a), a, r, i)), o.canvas.toBlob((e) => {
			let t = URL.createObjectURL(e);
			g("a", {
				href: t,
				download: "drawing.png"
			}).click(), setTimeout(() => URL.revokeObjectURL(t), 1e3);
		});
	}
	fit() {
		if (!this.data) return;
		let e = this.boards.clientWidth, [, t, n] = this.data.model.shape, [r, i, a] = [
			e < it,
			this.data.plane !== null,
			window.innerHeight
		], o = !i && e >= at;
		this.root.classList.toggle("below", !o);
		let s = r ? Math.min(e, .5 * a) : i ? Math.min((e - 48) / 2.6, .46 * a) : Math.min((e - 48 - (o ? 160 : 0)) / 3, .32 * a), c = r ? (e - 16) / 2 : i ? (s - 40) / 2 : s;
		for (let e of [this.seen, this.rebuilt]) e.fit(c, c), e.figure.style.width = e.canvas.style.width;
		let l = (r || i ? s : parseFloat(this.seen.canvas.style.width)) / (r || i ? Math.max(n, t) : n), u = window.devicePixelRatio || 1, { canvas: d } = this.paper;
		Object.assign(d.style, {
			width: `${n * l}px`,
			height: `${t * l}px`
		}), Object.assign(d, {
			width: Math.round(n * l * u),
			height: Math.round(t * l * u)
		}), this.paper.show(this.look), this.plane.fit(r ? e : s * 1.15, s), i || this.bars.build();
	}
	dispose() {
		cancelAnimationFrame(this.request), this.host.engine.cancel(this);
		for (let e of [this.seen, this.rebuilt]) e.dispose();
	}
};
function ut(e, t) {
	let n = e.reduce((t, n, r) => n > e[t] ? r : t, 0);
	return `looks like: ${t[n] ?? n}, ${Math.round(100 * e[n])} %`;
}
// src/decode/protocol.ts
function dt({ model: e, z: t, y: n }, r, i) {
	let a = (e, t) => e.slice(r * t, (r + i) * t), o = a(t, e.dim);
	return e.classes && n ? {
		z: o,
		y: a(n, e.classes)
	} : { z: o };
}
// src/decode/server.ts
var ft = 2 ** 20, pt = 1e3, I = class extends Error {
	busy;
	constructor(e, t) {
		super(e), this.busy = t;
	}
}, mt = class {
	post;
	lanes = /* @__PURE__ */ new Map();
	last = /* @__PURE__ */ new Map();
	changed = () => void 0;
	constructor(e = gt) {
		this.post = e;
	}
	said(e) {
		return this.last.get(e.pictures);
	}
	decode(e, t) {
		let n = this.lanes.get(e);
		if (n && n.wish.model.pictures === t.model.pictures) {
			n.wish !== t && (n.newer = t);
			return;
		}
		this.cancel(e);
		let r = {
			wish: t,
			newer: null,
			stop: new AbortController()
		};
		this.lanes.set(e, r), this.run(e, r);
	}
	async encode({ numbers: e, dim: t, classes: n }, r, i) {
		let a = new Float32Array(await this.post(e, Float32Array.from(r))), o = (e, r) => Float32Array.from({ length: i * r }, (i, o) => a[Math.floor(o / r) * (2 * t + n) + e + o % r]), s = {
			mean: o(0, t),
			std: o(t, t)
		};
		return n ? {
			...s,
			y: o(2 * t, n)
		} : s;
	}
	cancel(e) {
		this.lanes.get(e)?.stop.abort(), this.lanes.delete(e);
	}
	async run(e, t) {
		let n = () => this.lanes.get(e) === t;
		for (; n();) {
			let { model: r } = t.wish, i = null;
			try {
				await this.ask(t, n);
			} catch (e) {
				i = e;
			}
			if (!n()) return;
			this.tell(r.pictures, i === null ? "" : i instanceof I ? i.message : "The server does not answer."), i instanceof I && i.busy ? await new Promise((e) => setTimeout(e, pt)) : t.newer || this.lanes.delete(e), t.newer && Object.assign(t, {
				wish: t.newer,
				newer: null
			});
		}
	}
	async ask({ wish: e, stop: t }, n) {
		let { model: r, rows: i } = e, [a, o, s] = r.shape, c = r.whole ? i : Math.max(1, Math.floor(ft / (a * o * s)));
		for (let l = 0; l < i; l += c) {
			let u = Math.min(c, i - l), { z: d, y: f = new Float32Array(u * r.classes).fill(1 / r.classes) } = dt(e, l, u), p = await this.post(r.pictures, Float32Array.from([...d, ...f]), t.signal);
			if (!n()) return;
			e.onPixels(et(new Uint8Array(p), a, o * s, 1), l, u);
		}
	}
	tell(e, t) {
		this.last.get(e) !== t && (this.last.set(e, t), this.changed());
	}
}, ht = [
	404,
	413,
	422,
	503
];
async function gt(e, t, n) {
	let r = await fetch(_(e), {
		method: "POST",
		body: t,
		signal: n
	});
	if (r.ok) return r.arrayBuffer();
	throw !(r.headers.get("content-type")?.startsWith("text/plain") ?? !1) || !ht.includes(r.status) ? Error(`${r.status}`) : new I(await r.text(), r.status === 503);
}
// src/decode/worker.ts?worker&inline
var _t = "function e(e,t,n,r=255){let i=e.length/(t*n),a=new Uint8ClampedArray(i*n*4),[o,s]=t===3?[n,2*n]:[0,0];for(let c=0,l=0,u=0;c<i;c++,l+=t*n)for(let t=l;t<l+n;t++,u+=4)a[u]=e[t]*r,a[u+1]=e[t+o]*r,a[u+2]=e[t+s]*r,a[u+3]=255;return a}var t=class extends Error{};const n=self,r=/* @__PURE__ */ new Map;let i;const a=(e,t=[])=>n.postMessage(e,t);async function o(e){let t=await import(\n/* @vite-ignore */\n`${e}ort.wasm.min.mjs`);return t.env.wasm.numThreads=1,t.env.wasm.wasmPaths=e,t.env.logLevel=`error`,t}function s(e){let t=r.get(e)??c(e);r.delete(e),r.set(e,t);for(let[e,t]of r){if(r.size<=12)break;r.delete(e),t.then(({session:e})=>e.release()).catch(()=>void 0)}return t}async function c(e){try{let[n,r]=await Promise.all([i,fetch(e)]);if(!r.ok){let e=await l(r);throw e?new t(e):/* @__PURE__ */ Error(`the decoder is not available (${r.status})`)}return{session:await n.InferenceSession.create(new Uint8Array(await r.arrayBuffer())),inputs:/* @__PURE__ */ new Map}}catch(t){throw r.delete(e),t}}async function l(e){return(e.headers.get(`content-type`)?.startsWith(`text/plain`)??!1)&&(e.status===404||e.status===422)?e.text():``}async function u(t){let[n,{session:r,inputs:o}]=await Promise.all([i,s(t.url)]),c={};for(let e of r.inputNames){let r=t.feeds[e],i=o.get(e);i?.size!==r.length&&(i=new n.Tensor(`float32`,new Float32Array(r.length),[t.rows,...t.shapes[e]]),o.set(e,i)),i.data.set(r),c[e]=i}let l=await r.run(c);if(t.pictures){let n=l[r.outputNames[0]],i=e(n.data,n.dims[1],n.dims[2]*n.dims[3]);a({kind:`pixels`,id:t.id,pixels:i},[i.buffer])}else{let e=r.outputNames.map(e=>[e,l[e].data.slice()]);a({kind:`numbers`,id:t.id,outputs:Object.fromEntries(e)},e.map(([,e])=>e.buffer))}}n.onmessage=async({data:e})=>{try{e.kind===`begin`?await(i=o(e.runtime)):e.kind===`run`?await u(e):(await s(e.url),a({kind:`loaded`,url:e.url}))}catch(n){let r=n instanceof Error?n.message:String(n);a({kind:`failed`,id:e.kind===`run`?e.id:null,url:e.kind===`begin`?null:e.url,reason:r,refused:n instanceof t})}};", vt = typeof self < "u" && self.Blob && new Blob(["URL.revokeObjectURL(import.meta.url);", _t], { type: "text/javascript;charset=utf-8" });
function yt(e) {
	let t;
	try {
		if (t = vt && (self.URL || self.webkitURL).createObjectURL(vt), !t) throw "";
		let n = new Worker(t, {
			type: "module",
			name: e?.name
		});
		return n.addEventListener("error", () => {
			(self.URL || self.webkitURL).revokeObjectURL(t);
		}), n;
	} catch {
		return new Worker("data:text/javascript;charset=utf-8," + encodeURIComponent(_t), {
			type: "module",
			name: e?.name
		});
	}
}
// src/decode/engine.ts
var bt = 16384, xt = class {
	start;
	server;
	id = 0;
	worker = null;
	broken = null;
	newest = /* @__PURE__ */ new Map();
	lanes = /* @__PURE__ */ new Map();
	others = [];
	flight = null;
	failed = /* @__PURE__ */ new Map();
	changes = /* @__PURE__ */ new Set();
	states = /* @__PURE__ */ new Map();
	constructor(e, t = new mt()) {
		this.start = e, this.server = t, t.changed = () => this.changed(), this.begin();
	}
	onChange(e) {
		return this.changes.add(e), () => this.changes.delete(e);
	}
	state(e) {
		return this.trouble(e, "decoder") ? this.server.said(e) === "" ? "served" : "loading" : this.states.get(_(e.decoder)) ?? "loading";
	}
	trouble(e, t) {
		let n = e[t];
		return n === void 0 ? null : n === "" ? {
			reason: e.why,
			again: !1
		} : this.broken ?? this.failed.get(_(n)) ?? null;
	}
	refusal(e) {
		return (this.trouble(e, "decoder") && this.server.said(e)) ?? "";
	}
	load(e) {
		let t = _(e);
		e === "" || this.broken || this.failed.has(t) || this.states.has(t) || (this.become(t, "loading"), this.worker.postMessage({
			kind: "load",
			url: t
		}));
	}
	decode(e, t) {
		let { model: n } = t;
		if (this.newest.set(e, t), this.trouble(n, "decoder")) return this.drop(e), this.server.decode(e, t);
		let r = this.lanes.get(e);
		r && r.row > 0 ? r.newer = t : this.lanes.set(e, {
			wish: t,
			row: 0,
			newer: null
		}), this.load(n.decoder), this.state(n) === "loading" ? this.server.decode(e, t) : this.server.cancel(e), this.pump();
	}
	encode(e, t, n = 1) {
		if (this.trouble(e, "encoder")) return this.server.encode(e, t, n);
		let r = _(e.encoder);
		return this.load(e.encoder), this.states.get(r) === "loading" ? this.server.encode(e, t, n) : new Promise((i, a) => {
			let o = {
				url: r,
				rows: n,
				feeds: { x: t },
				shapes: { x: e.shape },
				pictures: !1
			};
			this.others.push({
				ask: o,
				answer: (r) => {
					r.kind === "numbers" ? i(r.outputs) : this.server.encode(e, t, n).then(i, a);
				}
			}), this.pump();
		});
	}
	cancel(e) {
		this.newest.delete(e), this.drop(e), this.server.cancel(e);
	}
	again() {
		this.worker?.terminate(), this.failed.clear(), this.states.clear(), this.broken = null, this.flight = null, this.lanes.clear();
		let e = this.others.splice(0);
		this.begin();
		for (let { answer: t } of e) t({
			kind: "failed",
			id: 0,
			url: null,
			reason: ""
		}, !1);
		for (let [e, t] of this.newest) this.decode(e, t);
		this.changed();
	}
	begin() {
		try {
			this.worker = this.start();
		} catch (e) {
			return this.fail(e instanceof Error ? e.message : String(e));
		}
		this.worker.onmessage = ({ data: e }) => this.heard(e), this.worker.onerror = (e) => this.fail(e.message || "the worker could not be started");
	}
	drop(e) {
		this.lanes.delete(e), this.flight?.who === e && (this.flight.who = null);
	}
	isReady(e) {
		return (this.states.get(_(e)) ?? "loading") !== "loading";
	}
	pump() {
		if (this.flight || this.broken) return;
		let e = this.others.findIndex(({ ask: e }) => this.isReady(e.url));
		if (e >= 0) {
			let [t] = this.others.splice(e, 1);
			return this.post(t.ask, null, t.answer);
		}
		let t = [...this.lanes].find(([, { wish: e }]) => this.isReady(e.model.decoder));
		if (!t) return;
		let [n, r] = t, { wish: i, row: a } = r, { model: o, rows: s } = i, [c, l, u] = o.shape, d = Math.min(s - a, Math.max(1, Math.floor(bt / (c * l * u))));
		this.lanes.delete(n), a + d < s ? this.lanes.set(n, {
			...r,
			row: a + d
		}) : r.newer && this.lanes.set(n, {
			wish: r.newer,
			row: 0,
			newer: null
		});
		let f = {
			url: _(o.decoder),
			rows: d,
			shapes: {
				z: [o.dim],
				y: [o.classes]
			}
		};
		this.post({
			...f,
			feeds: { ...dt(i, a, d) },
			pictures: !0
		}, n, (e, t) => {
			e.kind === "pixels" && t && (this.newest.get(n)?.model.decoder === o.decoder && this.server.cancel(n), i.onPixels(e.pixels, a, d), this.become(_(o.decoder), "drawn"));
		});
	}
	post(e, t, n) {
		let r = ++this.id;
		this.flight = {
			id: r,
			who: t,
			answer: n
		}, this.worker.postMessage({
			kind: "run",
			id: r,
			...e
		});
	}
	heard(e) {
		if (e.kind === "loaded") return this.become(e.url, "loaded"), this.pump();
		if (e.kind === "failed" && e.url === null) return this.fail(e.reason);
		let t = e.id === this.flight?.id ? this.flight : null;
		t && (this.flight = null);
		try {
			e.kind === "failed" && this.giveUp(e.url, e), t?.answer(e, t.who !== null);
		} finally {
			this.pump();
		}
	}
	fail(e) {
		if (this.broken) return;
		this.broken = {
			reason: e,
			again: !0
		};
		let t = [...this.flight ? [this.flight.answer] : [], ...this.others.splice(0).map(({ answer: e }) => e)];
		this.flight = null;
		for (let n of t) n({
			kind: "failed",
			id: 0,
			url: null,
			reason: e
		}, !1);
		this.handOver();
	}
	giveUp(e, { reason: t, refused: n }) {
		this.failed.set(e, {
			reason: t,
			again: !n
		});
		for (let n = this.others.length - 1; n >= 0; n--) {
			if (this.others[n].ask.url !== e) continue;
			let [{ answer: r }] = this.others.splice(n, 1);
			r({
				kind: "failed",
				id: 0,
				url: e,
				reason: t
			}, !1);
		}
		this.handOver();
	}
	handOver() {
		for (let [e, t] of this.newest) this.trouble(t.model, "decoder") && this.decode(e, t);
		this.changed();
	}
	become(e, t) {
		this.states.get(e) !== t && (this.states.set(e, t), this.changed());
	}
	changed() {
		for (let e of this.changes) e();
	}
};
async function L(e) {
	let t = await fetch(_(e));
	if (!t.ok) throw Error(`the points are not available (${t.status})`);
	return t.arrayBuffer();
}
var R = null;
function St(e) {
	return R?.runtime !== e && (R = {
		runtime: e,
		engine: new xt(() => Ct(e))
	}), R.engine;
}
function Ct(e) {
	if (typeof WebAssembly != "object" || typeof Worker != "function") throw Error("this browser has no WebAssembly");
	let t = new yt();
	return t.postMessage({
		kind: "begin",
		runtime: _(e)
	}), t;
}
// src/parts/field.ts
var wt = 36, Tt = class {
	pick;
	screen = new b();
	rows = g("div", { className: "rows" });
	below = g("div", { className: "below" });
	mark = g("span", {
		className: "mark",
		hidden: !0
	});
	pictures = g("div", { className: "field" }, this.screen.canvas, this.mark);
	box = g("div", { className: "named" }, this.rows, this.pictures, this.below);
	layout = {
		width: 1,
		height: 1,
		columns: 1,
		count: 1,
		gutter: 0
	};
	constructor(e) {
		this.pick = e, this.screen.canvas.onclick = (e) => {
			let t = this.screen.place(e);
			t >= 0 && this.pick(t);
		};
	}
	get lines() {
		return Math.ceil(this.layout.count / this.layout.columns);
	}
	arrange(e, t, n, r = !0) {
		this.layout = e, this.screen.arrange(e), this.screen.label("", t), this.pictures.classList.toggle("pickable", r), this.mark.hidden = n < 0 || n >= e.count;
		let { width: i, height: a, columns: o, gutter: s } = e, [c, l] = S(e);
		Object.assign(this.mark.style, {
			left: `${100 * (n % o * (i + s) + s) / c}%`,
			top: `${100 * (Math.floor(n / o) * (a + s) + s) / l}%`,
			width: `${100 * i / c}%`,
			height: `${100 * a / l}%`
		});
	}
	label(e, t) {
		Et(this.rows, e, this.lines), Et(this.below, t, this.layout.columns);
	}
	fit(e, t) {
		this.box.classList.remove("compact"), this.scale(e, t), parseFloat(this.screen.canvas.style.height) >= wt * this.lines || (this.box.classList.add("compact"), this.scale(e, t));
	}
	scale(e, t) {
		this.screen.fit(e - this.rows.offsetWidth - 2, t), this.below.style.width = this.screen.canvas.style.width;
	}
};
function Et(e, t, n) {
	e.classList.toggle("axis", t.length !== n), e.replaceChildren(...t.map((e) => {
		let [t, ...n] = e.split("\n");
		return g("span", { title: e }, t, n.length ? g("small", {}, n.join(" ")) : null);
	}));
}
// src/views/grid.ts
var Dt = .01, Ot = 2;
function kt(e, t, n, r) {
	let i = new Float32Array(n), a = t * 2 * n;
	for (let t = 0; t < n; t++) i[t] = e[a + t] + r * e[a + n + t];
	return i;
}
var At = class {
	host;
	field = new Tt((e) => this.host.tell("picked", e));
	echo = new D(() => this.host.settled);
	report = new T(() => this.host.tell("knobs", this.echo.send({
		temperature: this.at,
		seed: this.of
	})));
	heat = new C({
		name: "Temperature",
		label: "Temperature",
		step: Dt,
		start: 1,
		number: {
			step: "0.05",
			"aria-label": "Value of the temperature"
		}
	}, (e) => this.turn(e, this.of), this.report);
	heatNote = g("small");
	seed = new C({
		name: "Seed",
		label: "Seed",
		step: 1,
		nudge: 1,
		number: { "aria-label": "Value of the seed" }
	}, (e) => this.turn(this.at, e), this.report);
	draw = g("button", { type: "button" }, "New draw");
	data = null;
	columns = 0;
	held = null;
	routes = "";
	at = 1;
	of = 0;
	shows = !1;
	constructor(e) {
		this.host = e, this.seed.number.after(this.draw), e.root.replaceChildren(g("div", { className: "grid" }, g("div", { className: "knobs" }, this.heat.box, this.seed.box), this.field.box, this.heatNote)), this.draw.onclick = () => {
			this.turn(this.at, this.of >= this.data.last ? 0 : this.of + 1), this.report.now();
		};
	}
	show(e) {
		let { temperature: t, seed: n } = e;
		(this.echo.isNews({
			temperature: t,
			seed: n
		}) || this.data === null) && (this.at = t, this.of = n), this.data?.model.key !== e.model.key && this.host.engine.load(e.model.decoder), this.data = e, this.arrange();
		let { first: r, seeds: i } = e.windows.at(-1);
		this.heat.limit(0, e.hottest), this.heat.box.title = e.help, this.seed.limit(r, r + i - 1, e.last), this.seed.box.hidden = !e.seeded, this.heatNote.textContent = e.moves ? "" : "The pictures follow a temperature when you release the slider: this prior is drawn step by step.", this.knobs();
		let a = e.windows.map(({ points: e }) => e).join(" ");
		this.routes === a ? this.decode() : this.fetch(e.windows, a);
	}
	arrange() {
		let { alt: e, chosen: t } = this.data;
		this.columns = this.best(), this.field.arrange(this.tiling(this.columns), e, t);
	}
	tiling(e) {
		let { model: t, count: n, gutter: r } = this.data, [, i, a] = t.shape;
		return {
			width: a,
			height: i,
			columns: e,
			count: n,
			gutter: r
		};
	}
	best() {
		let { columns: e, count: t, rows: n, edge: r } = this.data;
		if (n.length || r !== null) return e;
		let { tall: i } = this, a = this.host.root.clientWidth, o = (e) => x(...S(this.tiling(e)), a, i);
		return Array.from({ length: t - e }, (t, n) => e + 1 + n).reduce((e, t) => o(t) > o(e) ? t : e, e);
	}
	get tall() {
		let e = this.data.edge === null ? 0 : y(Ot);
		return Math.max(window.innerHeight * this.data.share, v(this.field.box) - e);
	}
	async fetch(e, t) {
		this.routes = t, this.held = null;
		try {
			for (let n of e) {
				let e = new Float32Array(await L(n.points));
				if (this.routes !== t) return;
				let r = this.held === null;
				this.held = {
					window: n,
					points: e
				}, (r || !this.shows) && this.decode();
			}
		} catch (e) {
			if (this.routes !== t) return;
			this.routes = "", this.host.fail(e instanceof Error ? e.message : String(e));
		}
	}
	turn(e, t) {
		this.at = e, this.of = t, this.knobs(), this.decode();
	}
	knobs() {
		this.heat.put(this.at), this.seed.put(this.of), this.labels();
	}
	decode() {
		let { model: e, count: t, y: n } = this.data;
		if (!this.held) return;
		let { points: r, window: i } = this.held, a = this.of - i.first;
		if (this.shows = a >= 0 && a < i.seeds, !this.shows) return;
		let o = performance.now();
		this.host.engine.decode(this, {
			model: e,
			z: kt(r, a, t * e.dim, this.at),
			y: n === null ? void 0 : Float32Array.from(n),
			rows: t,
			onPixels: (e, t, n) => this.field.screen.draw(e, t, n, o)
		});
	}
	labels() {
		let { edge: e, rows: t } = this.data;
		if (e === null) return this.field.label(t, []);
		let n = (e * this.at).toFixed(2);
		this.field.label([
			n,
			"z1 ↑",
			`-${n}`
		], [
			`-${n}`,
			"z0 →",
			n
		]);
	}
	finish() {
		this.report.flush();
	}
	fit() {
		this.data && (this.best() !== this.columns && (this.arrange(), this.decode()), this.field.fit(this.host.root.clientWidth, this.tall));
	}
	dispose() {
		this.report.cancel(), this.host.engine.cancel(this), this.field.screen.dispose(), this.routes = "";
	}
}, jt = 1e3, Mt = "The live view loads …", Nt = [
	"loading",
	"loaded",
	"served",
	"drawn"
], Pt = class {
	root;
	engine;
	said = g("span");
	button = g("button", { type: "button" }, "Try again");
	note = g("p", {
		className: "loading",
		role: "status",
		hidden: !0
	}, this.said, this.button);
	deaf;
	models = [];
	wrong = "";
	timer = 0;
	constructor(e, t, n) {
		this.root = e, this.engine = t, e.append(this.note), this.deaf = t.onChange(() => this.put()), this.button.onclick = () => {
			this.wrong = "", n(), this.put();
		};
	}
	watch(e) {
		this.models = e, this.wrong = "", this.put();
	}
	tell(e) {
		this.wrong = e, this.put();
	}
	put() {
		if (this.models.length === 0) return;
		let e = this.models.map((e) => this.engine.state(e)), t = Nt.find((t) => e.includes(t)) ?? "loading";
		this.root.dataset.state = t;
		let [n, r] = this.sentence(), i = t === "loading" && !n;
		i && this.timer || (clearTimeout(this.timer), this.show(n, r), this.timer = i ? window.setTimeout(() => this.show(Mt, !1), jt) : 0);
	}
	show(e, t) {
		this.said.textContent = e, this.button.hidden = !t, this.note.classList.toggle("stays", e !== Mt), this.note.hidden = e === "";
	}
	sentence() {
		if (this.wrong) return [this.wrong, !0];
		for (let e of this.models) for (let t of ["decoder", "encoder"]) {
			let n = this.engine.trouble(e, t);
			if (!n) continue;
			let r = this.engine.refusal(e), i = t === "decoder" ? "Decoded" : "Encoded";
			return r ? [r, n.again] : n.again ? [`${i} on the server: the live view does not run here (${n.reason.replace(/\.$/, "")}).`, !0] : [`${i} on the server. ${n.reason}`, !1];
		}
		return ["", !1];
	}
	dispose() {
		clearTimeout(this.timer), this.deaf(), this.note.remove();
	}
}, Ft = .05;
function It(e, t, n, r = 0) {
	let i = [Infinity, Infinity], a = [-Infinity, -Infinity];
	for (let t = 0; t < e.length; t++) i[t & 1] = Math.min(i[t & 1], e[t]), a[t & 1] = Math.max(a[t & 1], e[t]);
	let o = [a[0] - i[0], a[1] - i[1]], s = [t.width, t.height].map((e, t) => e * (1 - 2 * Ft) / Math.max(o[t], 1e-9)), c = Math.min(...s.filter((e) => e < 1e9), 1e9), [l, u] = n ? [c, c] : s.map((e) => e < 1e9 ? e : c), d = Math.max(0, t.width * (1 - 2 * Ft) - o[0] * l), f = Math.min(r, d) / 2 / l;
	return {
		...t,
		x: (i[0] + a[0]) / 2 + f,
		y: (i[1] + a[1]) / 2,
		sx: l,
		sy: u
	};
}
var z = (e, t, n) => [e.left + e.width / 2 + (t - e.x) * e.sx, e.top + e.height / 2 - (n - e.y) * e.sy], B = (e, t, n) => [e.x + (t - e.left - e.width / 2) / e.sx, e.y - (n - e.top - e.height / 2) / e.sy], Lt = (e, t, n) => ({
	...e,
	x: e.x - t / e.sx,
	y: e.y + n / e.sy
});
function V(e, t, n, r) {
	let [i, a] = B(e, n, r);
	return {
		...e,
		sx: e.sx * t,
		sy: e.sy * t,
		x: i + (e.x - i) / t,
		y: a + (e.y - a) / t
	};
}
function Rt(e, { sx: t, sy: n }, r, i) {
	let a = -1, o = Infinity;
	for (let s = 0; s < e.length; s += 2) {
		let c = (e[s] - r) * t, l = (e[s + 1] - i) * n, u = c * c + l * l;
		u < o && ([o, a] = [u, s / 2]);
	}
	return a;
}
function zt(e, t, n) {
	let r = !1;
	return e.forEach(([i, a], o) => {
		let [s, c] = e[(o || e.length) - 1];
		a > n != c > n && t < (s - i) * (n - a) / (c - a) + i && (r = !r);
	}), r;
}
function Bt(e, t) {
	let n = [];
	for (let r = 0; r < t.length; r += 2) zt(e, t[r], t[r + 1]) && n.push(r / 2);
	return n;
}
var Vt = ([e, t], [n, r]) => [
	[e, t],
	[n, t],
	[n, r],
	[e, r]
];
function Ht({ mean: e, axes: t }, n, r) {
	let i = e.length;
	return e.map((e, a) => e + n * t[a] + r * t[i + a]);
}
function Ut({ axes: e }, t, [n, r], i, a) {
	let o = t.length;
	return t.map((t, s) => t + (i - n) * e[s] + (a - r) * e[o + s]);
}
function Wt(e, t, n) {
	let r = (t - e) / n, i = 10 ** Math.floor(Math.log10(r)), a = i * ([
		1,
		2,
		5
	].find((e) => e * i >= r) ?? 10), o = Math.ceil(e / a);
	return Array.from({ length: Math.max(0, Math.floor(t / a) - o + 1) }, (e, t) => (o + t) * a);
}
// src/maths/points.ts
function Gt(e, t, n, r, i) {
	let a = 9 * n + (i ? 3 * r : 0);
	if (e.byteLength !== 4 * a || t && t.byteLength !== 4 * n * r) throw Error("the points came incomplete");
	let o = 0, s = (t) => [
		e,
		(o += 4 * t) - 4 * t,
		t
	];
	return {
		coords: new Float32Array(...s(2 * n)),
		error: new Float32Array(...s(n)),
		kl: new Float32Array(...s(n)),
		row: new Int32Array(...s(n)),
		label: new Int32Array(...s(n)),
		y: new Int32Array(...s(n)),
		paint: new Uint8Array(e, s(n)[1], 4 * n),
		order: new Int32Array(...s(n)),
		basis: i ? {
			mean: new Float32Array(...s(r)),
			axes: new Float32Array(...s(2 * r))
		} : null,
		means: t && new Float32Array(t)
	};
}
var Kt = .2, qt = 3;
function Jt(e) {
	let [t, n] = [Yt(e, 0), Yt(e, 1)], r = /* @__PURE__ */ new Float32Array(9216);
	for (let i = 0; i < e.length; i += 2) {
		let a = Math.floor((e[i] - t.low) / t.size * 96), o = Math.floor((n.low + n.size - e[i + 1]) / n.size * 96);
		r[o * 96 + a]++;
	}
	let i = Xt(Xt(r, t.width, 1), n.width, 96), a = Math.max(...i), { low: o, size: s } = t;
	return {
		cells: i.map((e) => e / a),
		left: o,
		top: n.low + n.size,
		width: s,
		height: n.size
	};
}
function Yt(e, t) {
	let n = e.filter((e, n) => (n & 1) === t), r = n.reduce((e, t) => e + t, 0) / n.length, i = Math.sqrt(n.reduce((e, t) => e + (t - r) ** 2, 0) / n.length), a = n.reduce((e, t) => Math.min(e, t)), o = Math.max(n.reduce((e, t) => Math.max(e, t)) - a, 1e-9), s = o * 1.4;
	return {
		low: a - Kt * o,
		size: s,
		width: n.length ** (-1 / 6) * i * 96 / s
	};
}
function Xt(e, t, n) {
	let r = Math.ceil(qt * t), i = Array.from({ length: 2 * r + 1 }, (e, n) => Math.exp(-.5 * ((n - r) / (t || 1)) ** 2)), a = 96 / n, o = new Float32Array(e.length);
	for (let t = 0; t < 96; t++) for (let s = 0; s < 96; s++) for (let c = Math.max(-r, -s); c <= Math.min(r, 95 - s); c++) o[t * a + s * n] += i[c + r] * e[t * a + (s + c) * n];
	return o;
}
// src/views/map/marks.ts
var Zt = 16, Qt = 18, $t = 8, en = [
	[],
	[
		0,
		-1.3,
		1.3,
		0,
		0,
		1.3,
		-1.3,
		0
	],
	[
		-1,
		-1,
		1,
		-1,
		1,
		1,
		-1,
		1
	],
	[
		-.4,
		-1.1,
		.4,
		-1.1,
		.4,
		-.4,
		1.1,
		-.4,
		1.1,
		.4,
		.4,
		.4,
		.4,
		1.1,
		-.4,
		1.1,
		-.4,
		.4,
		-1.1,
		.4,
		-1.1,
		-.4,
		-.4,
		-.4
	],
	[
		0,
		-.6,
		.6,
		-1.2,
		1.2,
		-.6,
		.6,
		0,
		1.2,
		.6,
		.6,
		1.2,
		0,
		.6,
		-.6,
		1.2,
		-1.2,
		.6,
		-.6,
		0,
		-1.2,
		-.6,
		-.6,
		-1.2
	],
	[
		0,
		-1.2,
		1.2,
		.9,
		-1.2,
		.9
	]
];
function tn(e, t, n, r, i) {
	let a = en[t] ?? [];
	if (a.length === 0) return e.moveTo(n + i, r), e.arc(n, r, i, 0, 2 * Math.PI);
	e.moveTo(n + a[0] * i, r + a[1] * i);
	for (let t = 2; t < a.length; t += 2) e.lineTo(n + a[t] * i, r + a[t + 1] * i);
	e.closePath();
}
function nn({ top: e, height: t }, n, { grow: r }, { move: i }) {
	let a = 24 * r / 2;
	return n < e || n > e + t ? i * r : n - Math.min(e + t - a, Math.max(e + a, n - i * r));
}
function rn(e, t, n, r) {
	let { font: i, grow: a } = n;
	e.font = `bold ${Zt * a}px ${i}`;
	let o = e.measureText(r.text).width + $t * a, [, s] = z(t, r.x, r.y), c = -r.y * t.sy - nn(t, s, n, r);
	return {
		x: r.x * t.sx,
		y: c,
		width: o,
		height: 24 * a
	};
}
function an(e, t, n, r) {
	let { text: i, x: a, y: o, ground: s, ink: c } = r, [l, u] = z(t, a, o), d = nn(t, u, n, r);
	sn(e, l, u, d, s, 2), cn(e, i, [l, u - d], {
		ground: s,
		ink: c,
		edge: 1,
		size: Zt * n.grow,
		type: n
	});
}
function on(e, t, n, { name: r, x: i, y: a, colour: o }) {
	let [s, c] = z(t, i, a), { left: l, top: u, width: d, height: f } = t;
	if (s < l || s > l + d || c < u || c > u + f) return;
	let p = (c - u < 60 * n.grow ? -42 : 42) * n.grow;
	sn(e, s, c, p, o, 3), e.beginPath(), e.arc(s, c, 4, 0, 2 * Math.PI), e.fillStyle = o, e.fill(), cn(e, r, [s, c - p], {
		ground: o,
		ink: "white",
		edge: 2,
		size: Qt * n.grow,
		type: n
	});
}
function sn(e, t, n, r, i, a) {
	e.beginPath(), e.moveTo(t, n), e.lineTo(t, n - r), e.lineWidth = a, e.strokeStyle = i, e.stroke();
}
function cn(e, t, [n, r], { ground: i, ink: a, edge: o, size: s, type: c }) {
	e.font = `bold ${s}px ${c.font}`, e.textAlign = "center", e.textBaseline = "middle";
	let l = $t * c.grow, u = e.measureText(t).width + l;
	e.beginPath(), e.rect(n - u / 2, r - s / 2 - l / 2, u, s + l), e.fillStyle = i, e.fill(), e.lineWidth = o, e.strokeStyle = "white", e.stroke(), e.fillStyle = a, e.fillText(t, n, r + 1);
}
// src/views/map/board.ts
var ln = .25, un = .8, dn = 14, fn = 80, pn = [.5, 400], mn = class {
	over;
	amid;
	below = g("canvas", { "aria-hidden": "true" });
	above = g("canvas", {
		className: "above",
		role: "application",
		tabIndex: 0
	});
	box = g("div", { className: "plot" }, this.below, this.above);
	frame = {
		left: 0,
		top: 0,
		width: 1,
		height: 1,
		x: 0,
		y: 0,
		sx: 1,
		sy: 1
	};
	home = null;
	look = null;
	beside = 0;
	request = 0;
	pictured = {
		rows: /* @__PURE__ */ new Set(),
		width: 0,
		height: 0
	};
	shade = null;
	constructor(e, t) {
		this.over = e, this.amid = t;
	}
	show(e) {
		e.points !== this.look?.points && (this.home = null), this.look = e, this.fit();
	}
	fit() {
		if (!this.look) return;
		let { clientWidth: e, clientHeight: t } = this.box;
		if (!e) return;
		let n = window.devicePixelRatio || 1;
		for (let r of [this.below, this.above]) {
			let [i, a] = [Math.round(e * n), Math.round(t * n)];
			(r.width !== i || r.height !== a) && Object.assign(r, {
				width: i,
				height: a
			});
		}
		let r = this.room(e, t), i = It(this.look.points.coords, r, this.look.equal, this.beside), { frame: a, home: o } = this;
		this.frame = o ? {
			...i,
			x: a.x,
			y: a.y,
			sx: i.sx * a.sx / o.sx,
			sy: i.sy * a.sy / o.sy
		} : i, o && a.sx === o.sx && a.x === o.x && a.y === o.y && (this.frame = i), this.home = i, this.draw();
	}
	room(e, t) {
		let { grow: n } = this.type, [r, i, a] = (this.look.ticks ? [
			36,
			24,
			44
		] : [
			1,
			24,
			24
		]).map((e) => e * n);
		return {
			left: r,
			top: i,
			width: Math.max(1, e - r - 1),
			height: Math.max(1, t - i - a)
		};
	}
	turn(e) {
		let t = this.home ? e.sx / this.home.sx : 1;
		t < pn[0] || t > pn[1] || (this.frame = e, this.draw());
	}
	get whole() {
		return this.frame.sx <= (this.home?.sx ?? 0);
	}
	reset() {
		this.home && this.turn(this.home);
	}
	draw() {
		this.request ||= requestAnimationFrame(() => {
			this.request = 0, this.paint(), this.hover();
		});
	}
	hover() {
		let e = this.pen(this.above);
		if (e.clearRect(0, 0, this.above.width, this.above.height), this.look) {
			this.clipped(e, () => this.over(e));
			for (let t of this.look.marks) on(e, this.frame, this.type, t);
		}
	}
	dispose() {
		cancelAnimationFrame(this.request);
	}
	covering(e, t) {
		let { rows: n, width: r, height: i } = this.pictured;
		for (let a of n) {
			let [n, o] = this.at(a);
			if (2 * Math.abs(n - e) <= r && 2 * Math.abs(o - t) <= i) return a;
		}
		return -1;
	}
	front(e, t, n = "") {
		let { points: r, size: i } = this.look, [a, o] = this.at(t), { rows: s, width: c, height: l } = this.pictured;
		e.beginPath(), s.has(t) ? e.rect(a - c / 2, o - l / 2, c, l) : (tn(e, r.paint[4 * t + 3], a, o, i * this.type.grow / 2 + 3), e.fillStyle = this.colour(t), e.fill()), e.lineWidth = 2.5, e.strokeStyle = n || this.style("--st-text-color"), e.stroke();
	}
	at(e) {
		let { coords: t } = this.look.points;
		return z(this.frame, t[2 * e], t[2 * e + 1]);
	}
	get type() {
		let e = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
		return {
			font: this.style("--st-font"),
			grow: e / 16
		};
	}
	style(e) {
		return getComputedStyle(this.box).getPropertyValue(e) || "gray";
	}
	pen(e) {
		let t = e.getContext("2d"), n = e.width / (this.box.clientWidth || 1);
		return t.setTransform(n, 0, 0, n, 0, 0), t;
	}
	colour(e) {
		let { paint: t } = this.look.points;
		return `rgb(${t[4 * e]} ${t[4 * e + 1]} ${t[4 * e + 2]})`;
	}
	clipped(e, t) {
		let { left: n, top: r, width: i, height: a } = this.frame;
		e.save(), e.beginPath(), e.rect(n, r, i, a), e.clip(), t(), e.restore();
	}
	paint() {
		if (!this.look) return;
		let e = this.pen(this.below);
		e.clearRect(0, 0, this.below.width, this.below.height), this.axes(e), this.clipped(e, () => {
			let { labels: t, front: n, shade: r } = this.look;
			r && this.ground(e), this.dots(e), this.pictured = this.amid(e, n, t.map((t) => rn(e, this.frame, this.type, t)));
			for (let n of t) an(e, this.frame, this.type, n);
		});
	}
	ground(e) {
		let { points: t } = this.look;
		if (this.shade?.of !== t) {
			let e = g("canvas", {
				width: 96,
				height: 96
			}), n = Jt(t.coords), r = (/* @__PURE__ */ new Uint8ClampedArray(36864)).fill(128);
			n.cells.forEach((e, t) => r[4 * t + 3] = fn * Math.sqrt(e)), e.getContext("2d").putImageData(new ImageData(r, 96, 96), 0, 0), this.shade = {
				of: t,
				density: n,
				canvas: e
			};
		}
		let { density: n, canvas: r } = this.shade, { left: i, top: a, width: o, height: s } = this.frame, [c, l] = B(this.frame, i, a), [u, d] = [96 / n.width, 96 / n.height], { sx: f, sy: p } = this.frame;
		e.imageSmoothingEnabled = !0;
		let m = [
			(c - n.left) * u,
			(n.top - l) * d,
			o / f * u,
			s / p * d
		];
		e.drawImage(r, ...m, i, a, o, s);
	}
	dots(e) {
		let { points: t, front: n } = this.look, r = this.look.size * this.type.grow, { left: i, top: a, width: o, height: s } = this.frame, c = t.row.length;
		for (let l of n.size ? [!1, !0] : [!1]) {
			e.globalAlpha = l ? 1 : n.size ? ln : un;
			for (let u = 0; u < c; u++) {
				if (n.has(u) !== l) continue;
				let [c, d] = this.at(u);
				c < i - r || c > i + o + r || d < a - r || d > a + s + r || (e.beginPath(), tn(e, t.paint[4 * u + 3], c, d, r / 2 + +!!l), e.fillStyle = this.colour(u), e.fill());
			}
		}
		e.globalAlpha = 1;
	}
	axes(e) {
		let { left: t, top: n, width: r, height: i } = this.frame, { axes: a, ticks: o } = this.look, s = n + i, { font: c, grow: l } = this.type;
		e.font = `${dn * l}px ${c}`, e.lineWidth = 1, e.strokeStyle = this.style("--st-border-color"), e.fillStyle = this.style("--st-text-color"), e.beginPath(), e.rect(t, n, r, i), o && this.grid(e, l), e.stroke(), e.textAlign = "center", e.textBaseline = "top", e.fillText(a[0], t + r / 2, s + (o ? 23 : 5) * l), e.textAlign = "left", e.textBaseline = "middle", e.fillText(a[1], t, n / 2);
	}
	grid(e, t) {
		let { left: n, top: r, width: i, height: a } = this.frame, [o, s] = [n + i, r + a], [c, l] = [B(this.frame, n, s), B(this.frame, o, r)];
		e.textAlign = "center", e.textBaseline = "top";
		for (let [n, a] of hn(Wt(c[0], l[0], Math.max(2, i / 60 / t)))) {
			let [t] = z(this.frame, n, 0);
			e.moveTo(t, r), e.lineTo(t, s), e.fillText(a, t, s + 4);
		}
		e.textAlign = "right", e.textBaseline = "middle";
		for (let [r, i] of hn(Wt(c[1], l[1], Math.max(2, a / 60 / t)))) {
			let [, t] = z(this.frame, 0, r);
			e.moveTo(n, t), e.lineTo(o, t), e.fillText(i, n - 6, t);
		}
	}
};
function hn(e) {
	let t = e.length > 1 ? e[1] - e[0] : 1, n = Math.max(0, -Math.floor(Math.log10(t) + 1e-9)), r = (e) => n > 3 ? e.toExponential(0) : e.toFixed(n);
	return e.map((e) => [e, r(e).replaceAll("-", "−")]);
}
// src/views/map/hand.ts
var gn = {
	Look: "The picture under the pointer is decoded; a click chooses a point, a drag from point to point plays the way",
	Path: "Drag from one point to another, or click both, to see the pictures on the way; the nearest point is meant",
	Move: "Drag to move the map",
	Box: "Drag a box around points to choose them",
	Lasso: "Draw around points to choose them"
}, H = {
	ArrowLeft: [-1, 0],
	ArrowRight: [1, 0],
	ArrowUp: [0, -1],
	ArrowDown: [0, 1]
}, _n = 250, vn = {
	mouse: 12,
	touch: 26
}, yn = 4, bn = .0015, xn = 33, Sn = 6, Cn = {
	coarse: 10,
	fine: 1
}, U = (e, t, n) => Math.min(t + n, Math.max(t, e));
function wn({ tool: e, trail: t, moved: n }) {
	return !n || e !== "Box" && e !== "Lasso" ? null : e === "Box" ? Vt(t[0], t.at(-1)) : t;
}
var Tn = class {
	board;
	ground;
	gesture = null;
	fingers = /* @__PURE__ */ new Map();
	clicked = 0;
	constructor(e, t) {
		this.board = e, this.ground = t;
		let n = e.above;
		n.onpointerdown = (e) => this.down(e), n.onpointermove = (e) => this.move(e), n.onpointerup = (e) => this.up(e), n.onpointercancel = (e) => {
			this.fingers.delete(e.pointerId), this.drop();
		}, n.ondblclick = () => this.twice(), n.onkeydown = (e) => this.key(e), n.addEventListener("wheel", (e) => this.wheel(e), { passive: !1 });
	}
	down(e) {
		let { board: t, ground: n } = this;
		if (!n.coords || e.button !== 0) return;
		clearTimeout(this.clicked), n.rest(), t.above.setPointerCapture(e.pointerId);
		let r = [e.offsetX, e.offsetY];
		if (this.fingers.set(e.pointerId, r), this.fingers.size > 1) return this.drop();
		let i = B(t.frame, ...r), a = e.pointerType === "touch", { tool: o } = n, s = o === "Path" ? n.first < 0 : o === "Look" && !a;
		this.gesture = {
			tool: o,
			begin: r,
			last: r,
			trail: [i],
			moved: !1,
			touch: a,
			begins: s
		}, n.look(i, !1), s && (n.first = o === "Path" ? n.near : this.hit(a)), t.hover();
	}
	move(e) {
		let { board: t, ground: n, gesture: r } = this;
		if (!n.coords) return;
		let { left: i, top: a, width: o, height: s } = t.frame, c = [U(e.offsetX, i, o), U(e.offsetY, a, s)];
		if (this.fingers.size > 1) return this.pinch(e.pointerId, c);
		let l = B(t.frame, ...c);
		r ? (r.moved ||= Math.hypot(c[0] - r.begin[0], c[1] - r.begin[1]) > yn, r.tool === "Move" ? (t.turn(Lt(t.frame, c[0] - r.last[0], c[1] - r.last[1])), r.last = c) : (r.trail.push(l), n.look(l, !1))) : n.plays || n.look(l, !1);
	}
	up(e) {
		this.fingers.delete(e.pointerId);
		let { board: t, ground: n, gesture: r } = this;
		if (this.gesture = null, !r || !n.coords) return;
		let i = this.hit(r.touch), a = wn(r);
		r.tool === "Path" ? n.reach(n.near) : r.moved ? r.tool === "Look" ? (n.reach(i), n.first = -1) : a && n.choose(Bt(a, n.coords)) : this.clicked = window.setTimeout(() => n.choose(i < 0 ? [] : [i]), _n), t.hover();
	}
	drop() {
		this.gesture?.begins && (this.ground.first = -1), this.gesture = null, this.board.hover();
	}
	twice() {
		clearTimeout(this.clicked), this.ground.first = -1, this.board.reset();
	}
	pinch(e, t) {
		let n = this.fingers.get(e), r = [...this.fingers].find(([t]) => t !== e)?.[1];
		if (!n || !r) return;
		let i = ([e, t]) => Math.max(1, Math.hypot(e - r[0], t - r[1])), a = Lt(this.board.frame, (t[0] - n[0]) / 2, (t[1] - n[1]) / 2);
		this.board.turn(V(a, i(t) / i(n), (t[0] + r[0]) / 2, (t[1] + r[1]) / 2)), this.fingers.set(e, t);
	}
	wheel(e) {
		if (e.deltaY > 0 && this.board.whole) return;
		e.preventDefault();
		let t = (e.deltaMode === WheelEvent.DOM_DELTA_LINE ? xn : 1) * (e.ctrlKey ? Sn : 1);
		this.board.turn(V(this.board.frame, Math.exp(-e.deltaY * t * bn), e.offsetX, e.offsetY));
	}
	key(e) {
		let { board: t, ground: n } = this;
		if (!n.coords || e.ctrlKey || e.metaKey || e.altKey) return;
		let { key: r } = e;
		if (H[r]) this.arrow(H[r], e.shiftKey ? Cn.fine : Cn.coarse);
		else if (r === "Enter") this.enter();
		else if (r === "+" || r === "-") t.turn(V(t.frame, r === "+" ? 1.25 : .8, ...z(t.frame, ...n.at)));
		else if (r === "0") t.reset();
		else if (r === "Escape") n.leave();
		else return;
		e.preventDefault();
	}
	arrow([e, t], n) {
		let { frame: r } = this.board, [i, a] = z(r, ...this.ground.at);
		this.ground.rest();
		let o = U(i + e * n, r.left, r.width), s = U(a + t * n, r.top, r.height);
		this.ground.look(B(r, o, s), !0);
	}
	enter() {
		let { board: e, ground: t } = this;
		if (t.tool !== "Path") return t.choose([t.near]);
		t.first < 0 ? t.first = t.near : t.reach(t.near), e.hover();
	}
	hit(e) {
		let { board: t, ground: n } = this, [r, i] = z(t.frame, ...n.at);
		if (t.covering(r, i) === n.near) return n.near;
		let [a, o] = t.at(n.near);
		return Math.hypot(a - r, o - i) <= (e ? vn.touch : vn.mouse) ? n.near : -1;
	}
}, W = 8, En = 24, Dn = .02, On = [
	[1, 0],
	[1, 1],
	[0, 1],
	[0, 0]
], kn = class {
	box = g("div", { className: "lens" });
	places = [];
	size = [0, 0];
	at = -1;
	constructor(e) {
		this.box.append(e);
	}
	settle(e, t, n) {
		let [r, i] = this.size = [this.box.offsetWidth, this.box.offsetHeight], a = On.map(([t, n]) => [e.left + (t ? e.width - r - W : W), e.top + (n ? e.height - i - W : W)]), o = Math.max(1, Dn * t.length), s = a.map((e) => Math.floor(t.filter(([t, n]) => this.covers(e, t, n, 0)).length / o)), c = [...a.keys()].sort((e, t) => s[e] - s[t]);
		this.places = c.map((e) => a[e]), this.put(0), this.dodge(...n);
	}
	dodge(e, t) {
		if (this.at < 0 || !this.covers(this.places[this.at], e, t, En)) return !1;
		let n = this.places.findIndex((n) => !this.covers(n, e, t, En));
		return n < 0 ? !1 : (this.put(n), !0);
	}
	put(e) {
		this.at = e;
		let [t, n] = this.places[e];
		Object.assign(this.box.style, {
			left: `${t}px`,
			top: `${n}px`
		});
	}
	covers([e, t], n, r, i) {
		let [a, o] = this.size;
		return n > e - i && n < e + a + i && r > t - i && r < t + o + i;
	}
}, An = class {
	box = g("div", { className: "legend" });
	show(e, t) {
		if (this.box.replaceChildren(...e.map(({ text: e, ground: t }) => g("span", {}, jn(t), e))), t) {
			let e = jn(`linear-gradient(to right, ${t.colours.join(", ")})`);
			e.className = "scale";
			let [n, r] = t.ends.map((e) => String(Number(e.toPrecision(3))).replace("-", "−"));
			this.box.append(`${t.title}: ${n}`, e, r);
		}
		this.box.hidden = e.length === 0 && t === null;
	}
};
function jn(e) {
	let t = g("i");
	return t.style.background = e, t;
}
// src/views/map/overlay.ts
var Mn = [7, 6];
function Nn(e, t, n) {
	let { tool: r, gesture: i, at: a, first: o, ends: s, plays: c } = n, l = t.style("--st-primary-color"), u = z(t.frame, ...a);
	for (let r of n.ties) Pn(e, t, r, l);
	let d = i && wn(i);
	if (d) {
		let n = d.map((e) => z(t.frame, ...e));
		return G(e, [...n, n[0]], l);
	}
	o >= 0 && (i?.moved || r === "Path") ? (G(e, [t.at(o), u], l), t.front(e, o, l)) : s && Fn(e, t, n, s, l), c || In(e, t, n.near, u);
}
function Pn(e, t, { x: n, y: r, rows: i }, a) {
	for (let o of i) G(e, [z(t.frame, n, r), t.at(o)], a);
	for (let n of i) t.front(e, n, a);
}
function G(e, t, n) {
	e.beginPath();
	for (let [n, r] of t) e.lineTo(n, r);
	e.lineWidth = 3, e.strokeStyle = n, e.stroke();
}
function Fn(e, t, { t: n, straight: r }, i, a) {
	let [o, s] = i.map((e) => t.at(e));
	e.setLineDash(r ? [] : Mn), G(e, [o, s], a), e.setLineDash([]);
	for (let n of i) t.front(e, n, a);
	e.beginPath(), e.arc(o[0] + n * (s[0] - o[0]), o[1] + n * (s[1] - o[1]), 8, 0, 2 * Math.PI), e.fillStyle = a, e.fill(), e.lineWidth = 2, e.strokeStyle = "white", e.stroke();
}
function In(e, t, n, [r, i]) {
	let [a, o] = t.at(n);
	e.lineWidth = 1.5, e.strokeStyle = t.style("--st-text-color"), e.beginPath(), e.moveTo(a, o), e.lineTo(r, i), e.stroke(), t.front(e, n), e.beginPath();
	for (let [t, n] of Object.values(H)) e.moveTo(r + 5 * t, i + 5 * n), e.lineTo(r + 13 * t, i + 13 * n);
	e.lineWidth = 2, e.stroke();
}
// src/maths/apart.ts
function Ln(e, t, [n, r], [i, a], o) {
	let s = /* @__PURE__ */ new Map(), c = (t) => [e[2 * t] * n, -e[2 * t + 1] * r], l = (e, t, n, r) => {
		for (let [o, l] of zn) for (let u of s.get(K(n + o, r + l)) ?? []) {
			let [n, r] = c(u);
			if (Rn(e - n, t - r, i, a)) return !1;
		}
		return !o.some((n) => Rn(e - n.x, t - n.y, (i + n.width) / 2, (a + n.height) / 2));
	}, u = [];
	for (let e of t) {
		let [t, n] = c(e), [r, o] = [Math.floor(t / i), Math.floor(n / a)];
		if (!l(t, n, r, o)) continue;
		let d = s.get(K(r, o));
		d ? d.push(e) : s.set(K(r, o), [e]), u.push(e);
	}
	return u;
}
var K = (e, t) => e * 2 ** 26 + t, Rn = (e, t, n, r) => Math.abs(e) < n && Math.abs(t) < r, zn = [
	0,
	-1,
	1
].flatMap((e) => [
	0,
	-1,
	1
].map((t) => [e, t])), Bn = 34, q = 2, Vn = 2 ** 17, Hn = 2 ** 23, Un = 5e3;
function Wn(e, t, n) {
	return (Math.round(t * n / e) || 1 / Math.ceil(e / (2 * t * n))) / n;
}
var Gn = class {
	engine;
	come;
	held = /* @__PURE__ */ new Map();
	asked = [];
	since = 0;
	sight = 0;
	source = null;
	rows = [];
	zoom = "";
	front = null;
	constructor(e, t) {
		this.engine = e, this.come = t;
	}
	from(e) {
		e?.points !== this.source?.points && (this.engine.cancel(this), this.held.clear(), this.asked = [], this.zoom = ""), this.source = e;
	}
	draw(e, t, n, r, i) {
		if (!this.source) return {
			rows: /* @__PURE__ */ new Set(),
			width: 0,
			height: 0
		};
		let [, a, o] = this.source.model.shape, s = window.devicePixelRatio || 1, c = Wn(Math.max(a, o), Bn * t.type.grow, s), [l, u] = [o * c, a * c];
		this.choose(t, [l, u], n, r);
		let d = Kn(t, i, l / 2 + q, u / 2 + q), f = this.rows.filter((e) => d(t.at(e)));
		this.sight = f.length, this.ask(f.filter((e) => !this.held.has(e)));
		let p = f.filter((e) => this.held.has(e)), m = (e) => Math.round(e * s) / s;
		e.imageSmoothingEnabled = c * s < 1;
		for (let n of p) {
			let [r, i] = t.at(n), [a, o] = [m(r - l / 2), m(i - u / 2)];
			e.fillStyle = t.colour(n), e.fillRect(a - q, o - q, l + 4, u + 4), e.drawImage(this.held.get(n), a, o, l, u);
		}
		return {
			rows: new Set(p),
			width: l + 4,
			height: u + 4
		};
	}
	choose({ frame: e }, [t, n], r, i) {
		let { sx: a, sy: o } = e, s = [
			a,
			o,
			t,
			n,
			...i.map(({ y: e }) => Math.round(e))
		].join();
		if (s === this.zoom && r === this.front) return;
		this.zoom = s, this.front = r;
		let { coords: c, order: l } = this.source.points, u = r.size ? l.filter((e) => r.has(e)) : l;
		this.rows = Ln(c, u, [a, o], [t + 10, n + 10], i);
	}
	ask(e) {
		let { model: t, mean: n, weights: r } = this.source, i = t.shape[0] * t.shape[1] * t.shape[2], a = e.slice(0, Math.max(1, Math.floor(Vn / Math.max(i, t.dim)))), o = performance.now();
		if (!a.length || o - this.since < Un && e.some((e) => this.asked.includes(e))) return;
		let s = a.map(n);
		if (!s.every((e) => e !== null)) return;
		this.asked = a, this.since = o;
		let { source: c } = this, l = (e, t, n) => {
			if (c?.points === this.source?.points) {
				for (let r = 0; r < n; r++) this.keep(a[t + r], e, r, n);
				this.come();
			}
		}, u = t.classes ? qn(a.map(r)) : void 0;
		this.engine.decode(this, {
			model: t,
			z: qn(s),
			y: u,
			rows: a.length,
			onPixels: l
		});
	}
	keep(e, t, n, r) {
		let [, i, a] = this.source.model.shape, o = t.length / r;
		if (o !== 4 * a * i) return;
		let s = g("canvas", {
			width: a,
			height: i
		});
		s.getContext("2d").putImageData(new ImageData(t.slice(n * o, (n + 1) * o), a, i), 0, 0), this.held.set(e, s), this.asked = this.asked.filter((t) => t !== e);
		let c = Math.max(this.sight, Hn / o);
		for (let e of this.held.keys()) this.held.size > c && this.held.delete(e);
	}
	dispose() {
		this.engine.cancel(this);
	}
};
function Kn({ frame: e }, t, n, r) {
	let { offsetLeft: i, offsetTop: a, offsetWidth: o, offsetHeight: s } = t;
	return ([t, c]) => {
		let [l, u, d, f] = [
			t - n,
			t + n,
			c - r,
			c + r
		];
		return l < e.left || u > e.left + e.width || d < e.top || f > e.top + e.height ? !1 : u < i || l > i + o || f < a || d > a + s;
	};
}
function qn(e) {
	let t = new Float32Array(e.length * (e[0]?.length ?? 0));
	return e.forEach((e, n) => t.set(e, n * e.length)), t;
}
// src/views/map/map.ts
var Jn = 4, Yn = .34, Xn = .05, Zn = 3.5, Qn = "Between points a t-SNE map has no inverse: this is the nearest point's picture.", $n = "Nothing is decoded here: the encodings of so many points are too large for a browser. Take fewer.", er = "Decoded on the straight way between the two in latent space, whatever the map shows there.", tr = (e) => e.toFixed(2).replace("-", "−"), nr = class {
	host;
	board = new mn((e) => this.over(e), (e, t, n) => this.thumbs.draw(e, this.board, t, n, this.lens.box));
	thumbs;
	hand = new Tn(this.board, this);
	under = new b();
	lens = new kn(this.under.canvas);
	beside = new b();
	legend = new An();
	tools = /* @__PURE__ */ new Map();
	residual = g("input", { type: "checkbox" });
	carry = g("label", { className: "carry" }, this.residual, "With the nearest point's residual");
	note = g("p", { className: "note" });
	transport = new E({ step: (e) => this.walk(e) });
	share = new C({
		label: "Place on the path",
		step: .01
	}, (e) => {
		this.rest(), this.walked = e, this.step();
	});
	path = g("div", {
		className: "path",
		hidden: !0
	}, this.transport.button, this.share.range);
	settings = new D(() => this.host.settled);
	choices = new D(() => this.host.settled);
	data = null;
	points = null;
	wanted = "";
	tool = "Look";
	chosen = /* @__PURE__ */ new Set();
	at = [0, 0];
	near = -1;
	shown = -1;
	ends = null;
	first = -1;
	walked = 0;
	constructor(e) {
		this.host = e, this.thumbs = new Gn(e.engine, () => this.board.draw()), this.beside.figure.className = "beside", this.board.box.append(this.lens.box);
		let t = g("div", { className: "seen" }, g("div", { className: "words" }, this.under.caption, this.note), this.beside.figure), n = g("div", { className: "bar" }, this.toolbar(), this.carry, this.path);
		e.root.replaceChildren(g("div", { className: "map" }, this.legend.box, this.board.box, n, t)), this.residual.onchange = () => {
			this.host.tell("set", this.settings.send({
				tool: this.tool,
				residual: this.residual.checked
			})), this.decode();
		};
	}
	toolbar() {
		let e = Object.entries(gn).map(([e, t]) => {
			let n = g("button", {
				type: "button",
				title: t
			}, e);
			return n.onclick = () => this.take(e), this.tools.set(e, n), n;
		}), t = g("button", {
			type: "button",
			title: "Show the whole map and take the path off it; a double-click shows the whole map too"
		}, "Reset");
		return t.onclick = () => {
			this.leave(), this.board.reset();
		}, g("div", {
			className: "tools",
			role: "toolbar",
			"aria-label": "What the pointer does"
		}, ...e, t);
	}
	get coords() {
		return this.points?.coords ?? null;
	}
	get plays() {
		return this.transport.plays;
	}
	show(e) {
		let t = this.data === null;
		e.key !== this.wanted && (this.points = null, this.thumbs.from(null)), this.data = e, this.board.box.style.setProperty("--tall", `${100 * e.share}vh`), this.board.above.setAttribute("aria-label", `${e.alt}. Arrow keys move the pointer, Enter chooses the nearest point.`);
		let [, n, r] = e.model.shape;
		for (let e of [this.under, this.beside]) e.arrange({
			width: r,
			height: n
		});
		this.ends || this.remark(this.why), this.beside.figure.hidden = !e.linear, this.carry.hidden = !e.linear || !e.means || e.model.dim <= 2, this.settings.isNews({
			tool: e.tool,
			residual: e.residual
		}) && (this.residual.checked = e.residual, this.hold(e.tool));
		let i = this.choices.isNews(e.chosen);
		if (i && (this.chosen = new Set(e.chosen)), this.legend.show(e.legend, e.scale), t && this.host.engine.load(e.model.decoder), this.wanted !== e.key) return void this.fetch(e);
		this.redraw(), i && this.find();
	}
	async fetch(e) {
		this.wanted = e.key, this.leave();
		try {
			let [t, n] = await Promise.all([L(e.points), e.means ? L(e.means) : null]);
			if (this.wanted !== e.key) return;
			this.points = Gt(t, n, e.count, e.model.dim, e.linear);
		} catch (t) {
			return this.wanted === e.key ? (this.wanted = "", this.host.fail(t instanceof Error ? t.message : String(t))) : void 0;
		}
		this.shown = -1, this.redraw(), this.settle();
		let { x: t, y: n } = this.board.frame;
		this.look([t, n]), this.find();
	}
	find() {
		let [e, ...t] = this.chosen;
		this.points && e !== void 0 && !t.length && this.look(this.place(e), !0, e);
	}
	redraw() {
		if (!this.points || !this.data) return;
		let { points: e, data: t } = this, { size: n, equal: r, linear: i, axes: a, labels: o, marks: s, ties: c, shade: l, lit: u, model: d } = t, { label: f } = e, p = u < 0 ? [] : [...f.keys()].filter((e) => f[e] === u), m = /* @__PURE__ */ new Set([...this.chosen, ...p]);
		if (m.size) for (let { rows: e } of c) for (let t of e) m.add(t);
		this.thumbs.from(t.thumbs ? {
			model: d,
			points: e,
			mean: (e) => this.mean(e),
			weights: (e) => this.weights(e)
		} : null), this.board.show({
			points: e,
			size: n,
			equal: r,
			ticks: i,
			axes: a,
			labels: o,
			marks: s,
			front: m,
			shade: l
		});
	}
	settle() {
		if (!this.points) return;
		let { frame: e } = this.board, t = this.data.labels.flatMap(({ x: t, y: n, move: r }) => {
			let [i, a] = z(e, t, n);
			return Array.from({ length: Math.ceil(Xn * this.data.count) }, () => [i, a - r]);
		}), n = [...Array.from(this.points.row, (e, t) => this.board.at(t)), ...t];
		this.lens.settle(e, n, z(e, ...this.at)), this.board.draw();
	}
	hold(e) {
		this.tool = e, this.leave();
		for (let [t, n] of this.tools) n.setAttribute("aria-pressed", String(t === e));
		this.board.above.dataset.tool = e;
	}
	take(e) {
		this.hold(e), this.host.tell("set", this.settings.send({
			tool: e,
			residual: this.residual.checked
		}));
	}
	choose(e) {
		this.chosen = new Set(e), this.redraw(), this.host.tell("selected", {
			of: this.data.key,
			rows: this.choices.send(e),
			at: performance.now()
		});
	}
	look(e, t = !1, n) {
		if (this.at = e, !this.points) return;
		this.under.caption.setAttribute("aria-live", t ? "polite" : "off"), this.board.above.dataset.at = e.join(" ");
		let [r, i] = z(this.board.frame, ...e);
		this.lens.dodge(r, i) && this.board.draw();
		let a = n ?? this.board.covering(r, i);
		this.near = a < 0 ? Rt(this.points.coords, this.board.frame, ...e) : a, this.decode(), this.board.hover();
	}
	mean(e) {
		let { means: t, basis: n } = this.points, { dim: r } = this.data.model;
		return t?.subarray(e * r, (e + 1) * r) ?? (n && Ht(n, ...this.place(e)));
	}
	place(e) {
		let { coords: t } = this.points;
		return [t[2 * e], t[2 * e + 1]];
	}
	weights(e) {
		let { classes: t } = this.data.model, n = this.points.y[e];
		return Float32Array.from({ length: t }, (e, r) => n < 0 ? 1 / t : Number(r === n));
	}
	here() {
		let { basis: e, means: t } = this.points;
		return e ? !this.residual.checked || !t ? Ht(e, ...this.at) : Ut(e, this.mean(this.near), this.place(this.near), ...this.at) : this.mean(this.near);
	}
	decode() {
		if (!this.points || this.near < 0) return;
		this.picture(this.under, this.here(), this.weights(this.near));
		let { axes: e, linear: t } = this.data, [n, r] = this.at, [i, a] = this.place(this.near), o = e.map((e, t) => `${e.split(" ")[0]} ${tr(this.at[t])}`).join(", "), s = `distance ${tr(Math.hypot(i - n, a - r))} on the map`;
		t ? this.under.label(`Under the pointer: ${o}`) : this.under.label(`Nearest point: ${this.name(this.near)}, ${this.price(this.near)}`), this.remark(this.why), this.beside.figure.style.visibility = "", t && this.shown !== this.near && (this.shown = this.near, this.picture(this.beside, this.mean(this.near), this.weights(this.near))), this.beside.label(`Nearest point: ${this.name(this.near)}, ${s}, ${this.price(this.near)}`);
	}
	get why() {
		let { linear: e, means: t } = this.data;
		return e ? "" : t ? Qn : $n;
	}
	remark(e) {
		this.note.textContent = e, this.note.hidden = e === "";
	}
	picture(e, t, n) {
		if (!t) return;
		let r = performance.now(), { model: i } = this.data;
		this.host.engine.decode(e, {
			model: i,
			z: t,
			y: i.classes ? n : void 0,
			rows: 1,
			onPixels: (t) => e.draw(t, 0, 1, r)
		});
	}
	name(e) {
		let { names: t } = this.data, n = this.points.label[e], r = t === null ? "" : t[n] ?? String(n);
		return `picture ${this.points.row[e]}${r && ` (${r})`}`;
	}
	price(e) {
		let { error: t, kl: n } = this.points;
		return `error ${t[e].toFixed(1)} ${this.data.unit}${Number.isNaN(n[e]) ? "" : `, KL ${n[e].toFixed(1)} nats`}`;
	}
	reach(e) {
		e < 0 || this.first < 0 || e === this.first || (this.ends = [this.first, e], this.first = -1, this.walked = 0, this.path.hidden = !1, this.transport.offer() || this.step());
	}
	rest() {
		this.transport.rest();
	}
	leave() {
		this.rest(), this.ends = null, this.first = -1, this.path.hidden = !0, this.decode(), this.board.hover();
	}
	get t() {
		return this.walked > 1 ? 2 - this.walked : this.walked;
	}
	walk(e) {
		this.walked = (this.walked + e / Jn) % 2, this.step();
	}
	step() {
		let [e, t] = this.ends, { t: n } = this, [r, a] = [this.mean(e), this.mean(t)];
		this.picture(this.under, r && a && i(r, a, n), i(this.weights(e), this.weights(t), n)), this.under.label(`${Math.round(100 * n)} % of the way from ${this.name(e)} to ${this.name(t)}`), this.remark(this.data.linear ? "" : er), this.beside.figure.style.visibility = "hidden", this.share.put(n), this.board.hover();
	}
	over(e) {
		if (!this.points || this.near < 0) return;
		let { tool: t, at: n, near: r, first: i, ends: a, t: o, plays: s } = this, { linear: c, ties: l } = this.data;
		Nn(e, this.board, {
			tool: t,
			gesture: this.hand.gesture,
			at: n,
			near: r,
			first: i,
			ends: a,
			t: o,
			straight: c,
			plays: s,
			ties: l
		});
	}
	fit() {
		if (!this.data) return;
		let { clientWidth: e, clientHeight: t } = this.board.box, n = Math.max(Yn * Math.min(e, t), Math.min(t, e - t) / 2);
		this.under.fit(n, n), this.board.beside = this.lens.box.offsetWidth, this.board.fit(), this.settle();
		let r = Zn * 16 * this.board.type.grow;
		this.beside.fit(r, r);
	}
	dispose() {
		this.transport.dispose(), this.wanted = "", this.board.dispose(), this.thumbs.dispose();
		for (let e of [this.under, this.beside]) this.host.engine.cancel(e), e.dispose();
	}
};
// src/parts/drag.ts
function J(e, t, n) {
	e.onpointerdown = (n) => {
		n.button === 0 && (e.setPointerCapture(n.pointerId), t(n));
	}, e.onpointermove = (n) => {
		e.hasPointerCapture(n.pointerId) && t(n);
	}, e.onlostpointercapture = n;
}
// src/views/pad.ts
var rr = 1 / 4, ir = .02, ar = 3, or = 480, sr = 150, cr = 6, Y = 24, lr = {
	wide: 64,
	narrow: 40
}, ur = 8, dr = .35, fr = 120, pr = {
	ArrowLeft: [-1, 0],
	ArrowRight: [1, 0],
	ArrowUp: [0, -1],
	ArrowDown: [0, 1]
}, mr = class {
	host;
	now = new b();
	echo = new D(() => this.host.settled);
	transport = new E({
		title: "Walk slowly from corner to corner, and back",
		begin: () => this.begin(),
		step: (e) => this.walk(e),
		tell: () => this.host.tell("at", this.echo.send(this.place()))
	});
	middle = g("button", {
		type: "button",
		title: "All corners weigh the same; or double-click"
	}, "Centre");
	handle = g("div", { className: "handle" });
	plane = g("div", {
		className: "plane",
		tabIndex: 0,
		role: "slider",
		"aria-label": "Place in the pad",
		"aria-valuemin": 0,
		"aria-valuemax": 1
	}, g("div", { className: "ground" }), this.handle);
	frame = g("div", { className: "frame" });
	pad = g("div", { className: "pad" }, g("div", { className: "seen" }, this.now.figure, g("div", { className: "tools" }, this.transport.button, this.middle)), this.frame);
	found = [];
	data = null;
	at = [.5, .5];
	stops = [];
	walked = 0;
	constructor(e) {
		this.host = e, e.root.replaceChildren(this.pad), this.middle.onclick = () => this.put(c(this.count)), this.plane.ondblclick = () => this.put(c(this.count)), this.plane.onkeydown = (e) => this.press(e), J(this.plane, (e) => this.follow(e), () => this.transport.report.later());
	}
	get count() {
		return this.data.names.length;
	}
	show(e) {
		let t = this.data?.about !== e.about, n = this.echo.isNews(e.at), r = this.data?.model.key !== e.model.key, i = this.data?.names.length !== e.names.length || r;
		this.data = e;
		let [, a, o] = e.model.shape;
		this.now.arrange({
			width: o,
			height: a
		}), this.now.label(e.caption), i && this.build(), (n || i) && (this.transport.rest(), this.at = e.at), r && this.host.engine.load(e.model.decoder), t && this.decodeCorners(), (t || n || i) && this.draw();
	}
	build() {
		let [, e, t] = this.data.model.shape;
		this.found = this.data.names.map((n, r) => {
			let i = new b();
			i.arrange({
				width: t,
				height: e
			});
			let a = g("span"), s = g("button", {
				type: "button",
				className: `corner ${n.toLowerCase()}`,
				title: `Go to ${n}`
			}, i.canvas, g("span", { className: "share" }, g("b", {}, n), a));
			return i.label("", `Picture ${n} decoded`), s.onclick = () => this.put(o(this.count)[r]), {
				screen: i,
				weight: a,
				box: s
			};
		}), this.frame.className = `frame ${this.count === 3 ? "three" : "four"}`, this.frame.replaceChildren(this.plane, ...this.found.map(({ box: e }) => e));
	}
	follow({ clientX: e, clientY: t }) {
		let { left: n, top: r, width: i, height: a } = this.plane.getBoundingClientRect();
		this.go([(e - n) / i, (t - r) / a]);
	}
	press(e) {
		let t = pr[e.key];
		if (e.key !== " " && t === void 0) return;
		if (e.preventDefault(), t === void 0) return this.transport.toggle();
		let n = e.shiftKey ? 5 * ir : ir;
		this.go([this.at[0] + n * t[0], this.at[1] + n * t[1]]), this.transport.report.later();
	}
	go(e) {
		this.transport.rest(), this.transport.report.cancel(), this.at = l(e, this.count), this.draw();
	}
	put(e) {
		this.go(e), this.transport.report.now();
	}
	begin() {
		let [e, t, n, r] = o(this.count);
		this.stops = [
			this.at,
			e,
			t,
			...r ? [r] : [],
			n
		], this.walked = 0;
	}
	walk(e) {
		this.walked += e * rr, this.at = d(this.stops, this.walked), this.draw();
	}
	place() {
		return [Number(this.at[0].toFixed(ar)), Number(this.at[1].toFixed(ar))];
	}
	draw() {
		let { model: e, names: t, classes: n, corners: r } = this.data, [i, a] = this.place(), o = s([i, a], t.length);
		Object.assign(this.handle.style, {
			left: `${100 * i}%`,
			top: `${100 * a}%`
		});
		let c = o.map((e) => Math.abs(e).toFixed(2));
		this.found.forEach(({ weight: e }, t) => e.textContent = c[t]), this.plane.setAttribute("aria-valuenow", String(i)), this.plane.setAttribute("aria-valuetext", t.map((e, t) => `${e} ${c[t]}`).join(", "));
		let l = performance.now();
		this.host.engine.decode(this, {
			model: e,
			z: u(r, o),
			y: n ? u(n, o) : void 0,
			rows: 1,
			onPixels: (e) => this.now.draw(e, 0, 1, l)
		});
	}
	decodeCorners() {
		let { model: e, classes: t, corners: n } = this.data;
		this.host.engine.decode(this.frame, {
			model: e,
			z: Float32Array.from(n.flat()),
			y: t ? Float32Array.from(t.flat()) : void 0,
			rows: n.length,
			onPixels: (e, t, n) => {
				let r = e.length / n;
				for (let i = 0; i < n; i++) this.found[t + i]?.screen.draw(e.subarray(i * r, (i + 1) * r));
			}
		});
	}
	finish() {
		this.transport.finish();
	}
	fit() {
		if (!this.data) return;
		let e = this.pad.clientWidth, t = e < or, n = t ? lr.narrow : lr.wide, r = v(this.host.root) - (t ? 0 : y(this.data.rest)), i = Math.max(window.innerHeight * this.data.share, r);
		this.pad.classList.toggle("narrow", t);
		let a = t ? e : (e - Y) / 2, o = (t ? .65 * i - Y : i) - 2 * (n + ur), s = Math.max(fr, Math.min(a, o));
		this.now.fit(e - (t ? sr : s + Y), t ? dr * i : i - y(cr)), Object.assign(this.plane.style, {
			width: `${s}px`,
			height: `${s}px`
		});
		for (let { screen: e } of this.found) e.fit(n, n);
	}
	dispose() {
		this.transport.dispose(), this.host.engine.cancel(this), this.host.engine.cancel(this.frame);
		for (let { screen: e } of [{ screen: this.now }, ...this.found]) e.dispose();
	}
}, hr = 3, X = .02, gr = 3, _r = 24, vr = 480, yr = 2.75, br = 5.5, xr = 1.25, Sr = {
	ArrowLeft: -.02,
	ArrowDown: -.02,
	ArrowRight: X,
	ArrowUp: X
}, Cr = class {
	host;
	decoded = new b();
	mixed = new b();
	screens = g("div", { className: "screens" }, this.decoded.figure, this.mixed.figure);
	output = g("output");
	echo = new D(() => this.host.settled);
	transport = new E({
		title: "There and back; with Shift, backwards first",
		begin: (e) => this.direction = e || this.t >= 1 ? -1 : 1,
		step: (e) => this.walk(e),
		tell: () => this.host.tell("t", this.echo.send(this.time()))
	});
	slider = new C({
		label: "",
		step: 10 ** -3,
		nudge: X
	}, (e) => this.go(e), this.transport.report);
	bar;
	box;
	data = null;
	ends = null;
	t = 0;
	direction = 1;
	constructor(e) {
		this.host = e;
		let t = g("div", {
			className: "ends",
			"aria-hidden": "true"
		}, g("span", {}, "A"), g("span", {}, "B")), { range: n } = this.slider;
		this.bar = g("div", { className: "bar" }, this.transport.button, n, this.output, t), this.box = g("div", { className: "path" }, this.screens, this.bar), e.root.replaceChildren(this.box), n.className = "place", n.onkeydown = (e) => this.press(e);
		let r = () => this.transport.report.later();
		for (let { canvas: e } of [this.decoded, this.mixed]) J(e, (t) => this.go(t.offsetX / e.clientWidth), r);
	}
	show(e) {
		let t = this.data?.about !== e.about, n = this.echo.isNews(e.t), r = this.data?.model.key !== e.model.key;
		this.data = e;
		let [, i, a] = e.model.shape;
		for (let e of [this.decoded, this.mixed]) e.arrange({
			width: a,
			height: i
		});
		this.decoded.label(e.captions[0]), this.mixed.label(e.captions[1]), this.mixed.figure.hidden = !e.fade, this.slider.range.setAttribute("aria-label", e.label), n && (this.transport.rest(), this.t = e.t), t && (this.ends = null, this.read(e)), r && this.host.engine.load(e.model.decoder), (t || n) && this.draw();
	}
	async read(e) {
		let t = await Promise.all(e.pictures.map((t) => wr(t, e.model.shape)));
		this.data?.about === e.about && (this.ends = [t[0], t[1]], this.mix());
	}
	press(e) {
		let t = Sr[e.key];
		if (e.key === " " || t !== void 0) {
			if (e.preventDefault(), t === void 0) return this.transport.toggle(e.shiftKey);
			this.go(this.time() + t), this.transport.report.later();
		}
	}
	go(e) {
		this.transport.rest(), this.transport.report.cancel(), this.t = Math.min(1, Math.max(0, e)), this.draw();
	}
	walk(e) {
		let t = this.t + this.direction * e / hr;
		(t <= 0 || t >= 1) && (this.direction = t <= 0 ? 1 : -1), this.t = Math.min(1, Math.max(0, t)), this.draw();
	}
	time() {
		return Number(this.t.toFixed(gr));
	}
	draw() {
		let e = this.time();
		this.slider.put(e), this.slider.range.setAttribute("aria-valuetext", `${e.toFixed(2)} of the way from A to B`), this.output.textContent = `t = ${e.toFixed(2)}`, this.mix();
		let { model: t, a: n, b: r, classes: o, path: s } = this.data, c = performance.now();
		this.host.engine.decode(this, {
			model: t,
			z: s === "spherical" ? a(n, r, e) : i(n, r, e),
			y: o ? i(...o, e) : void 0,
			rows: 1,
			onPixels: (e) => this.decoded.draw(e, 0, 1, c)
		});
	}
	mix() {
		this.ends && !this.mixed.figure.hidden && this.mixed.draw(new Uint8ClampedArray(i(...this.ends, this.time())));
	}
	finish() {
		this.transport.finish();
	}
	fit() {
		if (!this.data) return;
		let e = this.host.root.clientWidth, t = e < vr, n = this.data.fade && !t ? (e - _r) / 2 : e, r = this.bar.offsetHeight + y(yr) + (t ? 0 : this.strip(e)), i = Math.max(window.innerHeight * this.data.share, v(this.host.root) - r);
		this.box.classList.toggle("narrow", t), this.decoded.fit(n, i), this.mixed.fit(t ? e / 2 : n, i);
	}
	strip(e) {
		let { strip: t, stripShare: n } = this.data, [r, i] = S(t);
		return i * x(r, i, e - (t.count > t.columns ? y(br) : 0), window.innerHeight * n) + y(xr);
	}
	dispose() {
		this.transport.dispose(), this.host.engine.cancel(this);
		for (let e of [this.decoded, this.mixed]) e.dispose();
	}
};
async function wr(e, [, t, n]) {
	let r = new Image();
	r.src = e, await r.decode();
	let i = g("canvas", {
		width: n,
		height: t
	}).getContext("2d", { willReadFrequently: !0 });
	return i.drawImage(r, 0, 0), i.getImageData(0, 0, n, t).data;
}
// src/views/pictures.ts
var Tr = class {
	host;
	field = new Tt((e) => {
		this.data?.pickable && this.host.tell("picked", e);
	});
	data = null;
	constructor(e) {
		this.host = e, e.root.replaceChildren(this.field.box);
	}
	show(e) {
		this.data = e, this.field.arrange(e.layout, e.alt, e.chosen, e.pickable), this.field.label(e.rows, e.below), this.field.screen.load(e.src);
	}
	fit() {
		this.data && this.field.fit(this.host.root.clientWidth, window.innerHeight * this.data.share);
	}
	dispose() {
		this.field.screen.dispose();
	}
}, Er = 64, Dr = class {
	host;
	box = g("div", {
		className: "sheet",
		role: "group"
	});
	constructor(e) {
		this.host = e, e.root.replaceChildren(this.box), this.box.onkeydown = (e) => this.move(e);
	}
	get buttons() {
		return [...this.box.querySelectorAll("button")];
	}
	show(e) {
		let { layout: t, rows: n, label: r, wide: i } = e, a = Math.floor(Er / t.width) || Er / t.width;
		this.box.setAttribute("aria-label", r), this.box.classList.toggle("wide", i), this.box.style.gridTemplateColumns = `repeat(auto-fill, ${t.width * a}px)`;
		let o = this.buttons.find((e) => e.matches(":focus"))?.dataset.row;
		this.box.replaceChildren(...n.map((t, n) => this.button(e, n, a))), o && this.buttons.find(({ dataset: e }) => e.row === o)?.focus();
	}
	button({ src: e, layout: t, rows: n, labels: r, chosen: i }, a, o) {
		let [s, c] = [t.width * o, t.height * o], l = n.includes(i) ? n[a] === i : a === 0, u = g("button", {
			type: "button",
			title: r[a],
			tabIndex: l ? 0 : -1,
			"data-row": n[a],
			"aria-label": r[a],
			"aria-pressed": n[a] === i,
			onclick: () => this.host.tell("picked", n[a])
		});
		return Object.assign(u.style, {
			width: `${s}px`,
			height: `${c}px`,
			backgroundImage: `url(${e})`,
			backgroundSize: `${t.columns * s}px`,
			backgroundPosition: `${-(a % t.columns) * s}px ${-Math.floor(a / t.columns) * c}px`,
			imageRendering: o >= 1 ? "pixelated" : "auto"
		}), u;
	}
	move(e) {
		let { buttons: t } = this, n = t.indexOf(e.target), r = t.filter(({ offsetTop: e }) => e === t[0].offsetTop).length, i = t[n + ({
			ArrowLeft: -1,
			ArrowRight: 1,
			ArrowUp: -r,
			ArrowDown: r
		}[e.key] ?? NaN)];
		n < 0 || !i || (e.preventDefault(), t[n].tabIndex = -1, i.tabIndex = 0, i.focus());
	}
	fit() {}
	dispose() {}
}, Or = 6, kr = .6, Ar = {
	wide: 24,
	narrow: 8
}, jr = 480, Mr = 6.5, Nr = {
	compare: ge,
	cutout: ke,
	draw: lt,
	grid: At,
	map: nr,
	pad: mr,
	path: Cr,
	pictures: Tr,
	sheet: Dr,
	traverse: class {
		host;
		now = new b();
		before = new b();
		screens = g("div", { className: "screens" }, this.now.figure, this.before.figure);
		heading = g("p", { className: "heading" });
		breath = g("select", { "aria-label": "What breathes" });
		echo = new D(() => this.host.settled);
		transport = new E({
			play: "Animate",
			stop: "Stop",
			title: "Walk slowly through the range, there and back",
			begin: () => this.wake(),
			step: (e) => this.breathe(e),
			tell: () => {
				this.echo.send(this.sliders.moved()), this.host.tell("places", this.sliders.changes());
			}
		});
		sliders = new ae(() => this.move(), this.transport.report);
		side;
		data = null;
		phase = 0;
		waves = [];
		constructor(e) {
			this.host = e;
			let { box: t, filter: n, order: r } = this.sliders, i = g("div", { className: "tools" }, this.transport.button, this.breath), a = g("div", { className: "tools" }, n, r);
			this.side = g("div", { className: "side" }, this.heading, a, t), e.root.replaceChildren(g("div", { className: "traverse" }, g("div", { className: "stage" }, this.screens, i), this.side)), r.onchange = () => {
				this.sliders.arrange(), this.host.tell("order", this.sliders.byName);
			};
		}
		show(e) {
			let t = this.data?.about !== e.about, n = this.echo.isNews(e.places) || t, r = this.data === null || this.data.model.key !== e.model.key;
			this.data = e, (this.host.settled || t) && this.sliders.heard();
			let [, i, a] = e.model.shape;
			for (let e of [this.now, this.before]) e.arrange({
				width: a,
				height: i
			});
			this.now.label(e.captions[0], "The picture decoded where the sliders stand"), this.before.label(e.captions[1]), this.before.load(e.picture), [this.heading.textContent, this.heading.title] = e.heading, r && (this.sliders.order.selectedIndex = Number(e.byName)), t && this.build(), n && (this.transport.rest(), this.sliders.put(e.places)), r && this.host.engine.load(e.model.decoder), (n || r) && this.decode();
		}
		build() {
			let { slides: e, folded: t } = this.data;
			this.sliders.show(e, t);
			let n = e.filter(({ active: e }) => e).map(({ key: e }) => e);
			this.breath.replaceChildren(...["all", ...n].map((e) => g("option", { value: e }, e === "all" ? "all dimensions" : e))), this.transport.button.disabled = n.length === 0;
		}
		move() {
			this.transport.rest(), this.decode();
		}
		decode() {
			let { model: e, start: t, slides: n, y: i } = this.data, a = performance.now();
			this.host.engine.decode(this, {
				model: e,
				z: r(t, n, this.sliders.places),
				y: i === null ? void 0 : Float32Array.from(i),
				rows: 1,
				onPixels: (e) => this.now.draw(e, 0, 1, a)
			});
		}
		wake() {
			this.phase = 0;
			let e = this.breath.value === "all", t = this.data.slides.filter(({ active: t, key: n }) => e ? t : n === this.breath.value);
			this.waves = t.map((t, n) => {
				let { low: r, high: i, key: a, start: o } = t, s = 2 * ((this.sliders.places.get(a) ?? o) - r) / (i - r) - 1, c = e ? Math.max(kr, Math.abs(s)) : 1;
				return {
					slide: t,
					far: c,
					offset: Math.asin(Math.min(1, Math.max(-1, s / c))),
					pace: e ? .5 + n * .618 % 1 : 1
				};
			});
		}
		breathe(e) {
			this.phase += e / Or * 2 * Math.PI;
			for (let { slide: e, far: t, offset: n, pace: r } of this.waves) {
				let { key: i, low: a, high: o } = e;
				this.sliders.set(i, (a + o) / 2 + t * Math.sin(this.phase * r + n) * (o - a) / 2);
			}
			this.decode();
		}
		finish() {
			this.transport.finish();
		}
		fit() {
			if (!this.data) return;
			let { root: e } = this.host, t = this.screens.clientWidth, n = t < jr ? Ar.narrow : Ar.wide, r = y(this.data.rest), i = Math.max(window.innerHeight * this.data.share, v(e) - y(Mr) - r);
			for (let e of [this.now, this.before]) e.fit((t - n) / 2, i);
			let a = this.side.offsetTop === 0, o = Math.max(window.innerHeight * this.data.share, v(this.sliders.box) - r);
			this.sliders.box.style.maxHeight = a ? `${o}px` : "";
		}
		dispose() {
			this.transport.dispose(), this.host.engine.cancel(this);
			for (let e of [this.now, this.before]) e.dispose();
		}
	}
}, Z = /* @__PURE__ */ new WeakMap(), Q = 0;
function Pr({ data: e, parentElement: t, setStateValue: n }) {
	let r = Z.get(t);
	r?.name !== e.view && (r?.dispose(), Z.set(t, r = Ir(e.view, t, St(e.runtime))));
	let { host: i } = r;
	return Object.assign(i, {
		tell: (e, t) => {
			i.last = Q = Math.max(Q + 1, Date.now()), n(e, {
				value: t,
				count: Q
			});
		},
		data: e,
		settled: e.told >= i.last
	}), i.root.classList.toggle("presented", e.present), r.view.show(e), r.view.fit(), e.present && Fr(i.root), r.loading.watch(e.model ? [e.model] : (e.columns ?? []).map(({ model: e }) => e)), r.dispose;
}
var $ = () => void 0;
function Fr(e) {
	let t = document.activeElement;
	(!t || t === document.body || t.closest(".st-key-present")) && e.querySelector("input[type=range]")?.focus();
}
function Ir(e, t, n) {
	let r = t.querySelector(".live");
	r.dataset.view = e, r.replaceChildren();
	let i = {
		root: r,
		engine: n,
		tell: $,
		fail: $,
		settled: !0,
		data: null,
		last: 0
	}, a = new Nr[e](i), o = new Pt(r, n, () => {
		n.again(), a.show(i.data);
	});
	i.fail = (e) => o.tell(e);
	let s = new ResizeObserver(() => a.fit());
	s.observe(r);
	let c = document.querySelector("[data-testid=stMainBlockContainer]");
	c && s.observe(c);
	let l = () => a.fit();
	window.addEventListener("resize", l);
	let u = (e) => {
		e.composedPath().includes(r) || a.finish?.();
	}, d = ["pointerdown", "keydown"];
	for (let e of d) window.addEventListener(e, u, !0);
	let f = () => {
		let { tell: e } = i;
		i.tell = $, a.finish?.(), i.tell = e;
	};
	return window.addEventListener("popstate", f, !0), {
		name: e,
		host: i,
		view: a,
		loading: o,
		dispose: () => {
			s.disconnect();
			for (let e of d) window.removeEventListener(e, u, !0);
			window.removeEventListener("popstate", f, !0), window.removeEventListener("resize", l), o.dispose(), a.dispose(), Z.delete(t);
		}
	};
}
export { Pr as default };
