function e(e, t, n) {
	return Float32Array.from(e, (e, r) => e + n * (t[r] - e));
}
function t(t, n, r) {
	let [i, a] = [Math.hypot(...Array.from(t)), Math.hypot(...Array.from(n))], o = 0;
	for (let e = 0; e < t.length; e++) o += t[e] * n[e];
	let s = Math.acos(Math.min(1, Math.max(-1, o / (i * a)))), c = Math.sin(s);
	if (!(Math.abs(c) >= 1e-4)) return e(t, n, r);
	let l = i + r * (a - i), [u, d] = [l * Math.sin((1 - r) * s) / (c * i), l * Math.sin(r * s) / (c * a)];
	return Float32Array.from(t, (e, t) => u * e + d * n[t]);
}
function n(e) {
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
function r([e, t], n) {
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
function i(e) {
	return e === 3 ? [.5, 1 / 3] : [.5, .5];
}
function a([e, t], i) {
	if (i !== 3) return [c(e), c(t)];
	if (r([e, t], 3).every((e) => e >= 0)) return [e, t];
	let [a, o, s] = n(3);
	return [
		d([e, t], a, o),
		d([e, t], o, s),
		d([e, t], s, a)
	].reduce((n, r) => l([e, t], r) < l([e, t], n) ? r : n);
}
function o(e, t) {
	let n = new Float32Array(e[0].length);
	return e.forEach((e, r) => {
		for (let i = 0; i < n.length; i++) n[i] += t[r] * e[i];
	}), n;
}
function s(e, t) {
	let n = e.slice(1).map((t, n) => l(e[n], t)), r = n.reduce((e, t) => e + t, 0), i = r === 0 ? 0 : r - Math.abs(t % (2 * r) - r);
	for (let [t, r] of n.entries()) {
		if (i <= r && r > 0) return u(e[t], e[t + 1], i / r);
		i -= r;
	}
	return e[e.length - 1];
}
var c = (e) => Math.min(1, Math.max(0, e)), l = (e, t) => Math.hypot(t[0] - e[0], t[1] - e[1]), u = (e, t, n) => [e[0] + n * (t[0] - e[0]), e[1] + n * (t[1] - e[1])];
function d(e, t, n) {
	let [r, i] = [n[0] - t[0], n[1] - t[1]];
	return u(t, n, c(((e[0] - t[0]) * r + (e[1] - t[1]) * i) / (r * r + i * i)));
}
// src/parts/dom.ts
function f(e, t = {}, ...n) {
	let r = document.createElement(e);
	for (let [e, n] of Object.entries(t)) e.includes("-") || e === "role" || e === "for" ? r.setAttribute(e, String(n)) : r[e] = n;
	return r.append(...n.filter((e) => e !== null)), r;
}
var p = (e) => new URL(e, document.baseURI).href;
function m(e, t = 250) {
	let n = 0, r = () => {
		clearTimeout(n), n = 0;
	}, i = () => {
		r(), e();
	};
	return {
		now: i,
		cancel: r,
		later: () => {
			r(), n = window.setTimeout(i, t);
		},
		flush: () => n && i()
	};
}
var h = class {
	step;
	request = 0;
	constructor(e) {
		this.step = e;
	}
	get running() {
		return this.request !== 0;
	}
	start() {
		if (this.running) return;
		let e = performance.now(), t = (n) => {
			this.request = requestAnimationFrame(t), this.step(Math.min(.1, (n - e) / 1e3)), e = n;
		};
		this.request = requestAnimationFrame(t);
	}
	stop() {
		cancelAnimationFrame(this.request), this.request = 0;
	}
}, g = 32, ee = "rgb(128 128 128)", _ = class {
	canvas = f("canvas", { role: "img" });
	caption = f("figcaption");
	figure = f("figure", {}, this.canvas, this.caption);
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
		}, [n, r] = te(t);
		this.layout = t, (this.canvas.width !== n || this.canvas.height !== r) && (Object.assign(this.canvas, {
			width: n,
			height: r
		}), this.clear());
	}
	clear() {
		this.parts.clear(), this.context.fillStyle = ee, this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
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
		let { width: n, height: r } = this.canvas, i = window.devicePixelRatio || 1, a = Math.min(Math.floor(Math.min(e / n, t / r) * i), g * i), o = a >= i ? a / i : Math.min(1, e / n);
		this.canvas.style.width = `${n * o}px`, this.canvas.style.height = `${r * o}px`;
	}
	place(e) {
		let { width: t, height: n, columns: r, count: i, gutter: a } = this.layout, o = (e.offsetX / this.canvas.clientWidth * this.canvas.width - a / 2) / (t + a), s = (e.offsetY / this.canvas.clientHeight * this.canvas.height - a / 2) / (n + a), c = Math.floor(s) * r + Math.min(r - 1, Math.max(0, Math.floor(o)));
		return s >= 0 && c < i ? c : -1;
	}
	dispose() {
		cancelAnimationFrame(this.request);
	}
};
function te({ width: e, height: t, columns: n, count: r, gutter: i }) {
	return [n * (e + i) + i, Math.ceil(r / n) * (t + i) + i];
}
// src/view.ts
var v = class {
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
}, ne = 4, y = .01, re = 600, ie = 24, ae = 84, oe = 56;
function se(e, t, n) {
	let r = Float32Array.from(e);
	for (let { key: e, index: i } of t) r[i] = n.get(e) ?? r[i];
	return r;
}
var ce = class {
	host;
	ends = [new _(), new _()];
	range = f("input", {
		type: "range",
		min: 0,
		max: 1,
		step: y,
		"aria-label": "t, the place between A and B"
	});
	value = f("output");
	play = f("button", {
		type: "button",
		title: "There and back"
	}, "Play");
	way = f("div", { className: "way" }, this.ends[0].figure, this.play, this.range, this.value, this.ends[1].figure);
	warning = f("p", {
		className: "warning",
		role: "alert"
	});
	reset = f("button", { type: "button" }, "Reset all");
	sliders = f("div", { className: "sliders" });
	same = f("div", { className: "same" }, f("div", { className: "tools" }, this.reset), this.sliders);
	columns = f("div", { className: "columns" });
	places = /* @__PURE__ */ new Map();
	echo = new v(() => this.host.settled);
	loop = new h((e) => this.walk(e));
	report = m(() => this.data?.slides ? this.host.tell("places", this.echo.send(Object.fromEntries([...this.places].sort(([e], [t]) => e < t ? -1 : 1)))) : this.host.tell("t", this.echo.send(this.t)));
	root = f("div", { className: "compare" }, this.way, this.warning, this.columns, this.same);
	shown = [];
	rows = /* @__PURE__ */ new Map();
	data = null;
	t = .5;
	phase = 0;
	busy = !1;
	late = !1;
	constructor(e) {
		this.host = e, e.root.replaceChildren(this.root), this.range.oninput = () => {
			this.rest(!1), this.go(Number(this.range.value));
		}, this.range.onchange = () => this.report.later(), this.play.onclick = () => this.loop.running ? this.rest() : this.wake(), this.reset.onclick = () => {
			this.places.clear(), this.put(), this.report.now();
		}, ["A", "B"].forEach((e, t) => this.ends[t].label(e, `Picture ${e}`));
	}
	show(e) {
		let t = !!this.data?.slides != !!e.slides || this.data === null, n = this.data?.about !== e.about || t, r = this.echo.isNews(e.slides ? e.places : e.t) || t;
		this.data = e, this.way.hidden = e.slides !== void 0, this.same.hidden = this.warning.hidden = e.slides === void 0, this.root.classList.toggle("slid", e.slides !== void 0), n && this.build(), e.slides ? (r || n) && this.begin(e.places) : r ? (this.rest(!1), this.go(e.t)) : n && this.go(this.t);
	}
	begin(e) {
		this.rest(!1), this.places.clear();
		for (let [t, n] of Object.entries(e)) this.places.set(t, n);
		this.put();
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
		}), this.rows.clear(), this.sliders.replaceChildren(...(n ?? []).map((e) => this.row(e)));
		for (let { model: t } of e) this.host.engine.load(t.decoder);
		this.fit();
	}
	column(e) {
		let [, t, n] = e.model.shape, [r, i, a] = [
			new _(),
			new _(),
			new _()
		];
		[
			r,
			i,
			a
		].forEach((e) => e.arrange({
			width: n,
			height: t
		})), r.label("", `${e.name}: decoded now`), i.label("A rebuilt", `${e.name}: A rebuilt`), a.label("B rebuilt", `${e.name}: B rebuilt`), i.load(e.rebuilt[0]), a.load(e.rebuilt[1]);
		let o = f("ul", {}, ...e.facts.map((e) => f("li", {}, e)));
		i.figure.className = "to-a", a.figure.className = "to-b";
		let s = f("section", { "aria-label": e.name }, f("h2", {}, e.name), f("div", { className: "row" }, r.figure, f("div", {}, f("div", { className: "rebuilt" }, i.figure, a.figure), o)));
		return {
			column: e,
			now: r,
			ends: [i, a],
			figure: s
		};
	}
	row(e) {
		let t = f("input", {
			type: "range",
			min: e.low,
			max: e.high,
			step: "any",
			"aria-label": `${e.key}${e.note}`
		}), n = f("output"), r = f("div", { className: "slide" }, f("span", {
			className: "name",
			title: "Double-click to put it back"
		}, e.key, f("small", {}, e.note)), n, t), i = (i) => {
			t.value = String(i), n.textContent = i.toFixed(2), t.style.setProperty("--filled", `${100 * (i - e.low) / (e.high - e.low)}%`), r.classList.toggle("moved", this.places.has(e.key));
		};
		return t.oninput = () => {
			let n = Math.min(e.high, Math.max(e.low, Number(Number(t.value).toFixed(2))));
			this.places.set(e.key, n), i(n), this.decode();
		}, t.onchange = () => this.report.later(), r.ondblclick = () => {
			this.places.delete(e.key), this.put(), this.report.now();
		}, this.rows.set(e.key, i), r;
	}
	put() {
		for (let { key: e, start: t } of this.data.slides) this.rows.get(e)(this.places.get(e) ?? t);
		this.reset.disabled = this.places.size === 0, this.decode();
	}
	go(e) {
		this.t = Number((Math.round(e / y) * y).toFixed(2)), this.range.value = String(this.t), this.range.style.setProperty("--filled", `${100 * this.t}%`), this.value.textContent = `t = ${this.t.toFixed(2)}`, this.decode();
	}
	decode() {
		if (this.reset.disabled = this.places.size === 0, this.busy) {
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
	point({ a: t, b: n, ya: r, yb: i }) {
		let { slides: a, columns: o } = this.data;
		return a ? [se(o[0].a, a, this.places), r ? Float32Array.from(r) : void 0] : [e(t, n, this.t), r && i ? e(r, i, this.t) : void 0];
	}
	forget() {
		for (let e of this.shown) {
			this.host.engine.cancel(e);
			for (let t of [e.now, ...e.ends]) t.dispose();
		}
		this.busy = this.late = !1;
	}
	wake() {
		this.play.textContent = "Stop", this.phase = Math.acos(1 - 2 * this.t), this.loop.start();
	}
	rest(e = !0) {
		this.loop.running && (this.loop.stop(), this.play.textContent = "Play", e && this.report.now());
	}
	walk(e) {
		this.phase += e / ne * Math.PI, this.go((1 - Math.cos(this.phase)) / 2);
	}
	finish() {
		this.rest(), this.report.flush();
	}
	fit() {
		let e = this.columns.clientWidth, t = Math.min(this.shown.length, e < re ? 2 : 4);
		if (!t) return;
		let n = (e - ie * (t - 1)) / t, r = this.data.slides ? .3 : .38;
		this.columns.style.gridTemplateColumns = `repeat(${t}, minmax(0, 1fr))`;
		for (let { now: e, ends: t } of this.shown) {
			e.fit(n, window.innerHeight * r);
			for (let e of t) e.fit((n - 8) / 2, ae);
		}
		for (let e of this.ends) e.fit(oe, oe);
	}
	dispose() {
		this.loop.stop(), this.report.cancel(), this.forget();
		for (let e of this.ends) e.dispose();
	}
}, le = 5, ue = .05;
function b(e, t, n) {
	if (e.direction === null) return [t[e.index], n[e.index]];
	let [r, i] = [-e.offset, 0];
	return e.direction.forEach((e, a) => {
		r += e * t[a], i += (e * n[a]) ** 2;
	}), [r, Math.sqrt(i)];
}
function de(e, t) {
	let n = e.filter(({ active: e }) => e), r = e.filter(({ active: e, low: n, high: r }, i) => e && (t[i] < n || t[i] > r));
	if (!r.length) return "In every dimension in use it lies within the grey band; each band holds 95 % of the reference pictures.";
	let i = r.slice(0, le).map(({ name: e }) => e), a = r.length > i.length ? ` and ${r.length - i.length} more` : "", o = (n.length * ue).toFixed(1);
	return `Outside the grey bands of ${i.join(", ")}${a}: ${r.length} of ${n.length} in use, reference pictures ${o} on average.`;
}
function x(e) {
	let t = [...e].sort((e, t) => e - t), n = Math.floor(e.length * .005);
	return [t[n], t[t.length - 1 - n]];
}
// src/parts/chart.ts
var fe = 150, S = 34, pe = 64, me = 17, he = 30, C = .12, ge = "http://www.w3.org/2000/svg";
function w(e, t) {
	let n = document.createElementNS(ge, e);
	return T(n, t), n;
}
var T = (e, t) => Object.entries(t).forEach(([t, n]) => e.setAttribute(t, String(n))), _e = class {
	svg = w("svg", { role: "img" });
	box = f("div", {
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
		let e = this.axes.flatMap(({ low: e, high: t }) => [-e, t]), t = 1.25 * Math.max(...e, .1), { mean: n, std: r } = this.found ?? {
			mean: [],
			std: []
		}, i = this.found ? Math.max(...this.axes.map((e) => Math.abs(b(e, n, r)[0]))) : 0;
		return i <= t ? t : t * Math.ceil(i / t);
	}
	build() {
		let e = this.box.clientWidth - S, t = this.axes.length;
		if (e <= 0 || !t) return;
		this.reach = this.wanted();
		let n = Math.min(90, Math.max(me, e / Math.min(t, pe))), r = S + n * t;
		T(this.svg, {
			width: r,
			height: 174,
			viewBox: `0 0 ${r} 174`
		});
		let i = n >= he ? 1 : Math.ceil(he / n);
		this.marks = [], this.svg.replaceChildren(...this.scale(r)), this.axes.forEach((e, t) => {
			let [r, a] = [S + t * n, n * .7], o = r + (n - a) / 2, [s, c] = [this.y(e.high), this.y(e.low)], l = w("title", {}), u = w("rect", {
				class: "bar",
				x: o + a * .2,
				width: a * .6
			}), d = w("path", {
				class: "spread",
				"data-x": o + a / 2,
				"data-w": a * .25
			}), f = w("g", e.active ? {} : { class: "collapsed" });
			if (f.append(l, w("rect", {
				class: "band",
				x: o,
				width: a,
				y: s,
				height: c - s
			}), u, d), t % i === 0) {
				let t = w("text", {
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
		return fe / 2 * (1 - Math.min(1, Math.max(-1, e / this.reach)));
	}
	scale(e) {
		let t = 10 ** Math.floor(Math.log10(this.reach)), n = t * Math.floor(this.reach * .92 / t);
		return [
			-n,
			0,
			n
		].flatMap((t) => {
			let n = w("text", {
				x: 28,
				y: this.y(t) + 5,
				"text-anchor": "end"
			});
			return n.textContent = String(Number(t.toPrecision(3))), [w("line", {
				class: "line",
				x1: S,
				x2: e,
				y1: this.y(t),
				y2: this.y(t)
			}), n];
		});
	}
	place() {
		let e = [];
		this.axes.forEach((t, n) => {
			let { bar: r, spread: i, title: a } = this.marks[n];
			for (let e of [r, i]) e.toggleAttribute("hidden", !this.found);
			if (a.textContent = `${t.name}: 95 % of the reference pictures from ${t.low.toFixed(2)} to ${t.high.toFixed(2)}`, !this.found) return;
			let [o, s] = b(t, this.found.mean, this.found.std), [c, l] = [Math.min(this.y(o), this.y(0)), Math.max(this.y(o), this.y(0))];
			T(r, {
				y: c,
				height: Math.max(1, l - c)
			});
			let [u, d] = [Number(i.dataset.x), Number(i.dataset.w)], [f, p] = [this.y(o + s), this.y(o - s)];
			T(i, { d: s > 0 ? `M${u} ${f}V${p}M${u - d} ${f}h${2 * d}M${u - d} ${p}h${2 * d}` : "" }), a.textContent = `${t.name}: ${o.toFixed(2)} ± ${s.toFixed(2)}; ${a.textContent.slice(t.name.length + 2)}`, e.push(`${t.name} ${o.toFixed(2)} ± ${s.toFixed(2)}`);
		});
		let t = "Mean and standard deviation of each dimension, over the band of the reference pictures";
		this.svg.setAttribute("aria-label", e.length ? `${t}: ${e.slice(0, 16).join(", ")}` : `${t}; nothing is drawn yet`);
	}
}, ve = class {
	points = w("g", { class: "points" });
	spread = [1, 2].map(() => w("ellipse", { class: "spread" }));
	cross = w("path", { class: "cross" });
	svg = w("svg", {
		role: "img",
		preserveAspectRatio: "xMidYMid meet"
	});
	legend = f("p", { className: "legend" });
	box = f("figure", { className: "plane" }, this.svg, this.legend);
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
			return w("path", {
				d: n,
				stroke: e
			});
		});
		this.points.replaceChildren(...t), this.legend.replaceChildren(...e.filter(({ name: e }) => e).map(({ name: e, colour: t }) => {
			let n = f("i", { "aria-hidden": "true" });
			return n.style.background = t, f("span", {}, n, e);
		}));
		let [n, r] = [0, 1].map((t) => e.flatMap(({ points: e }) => e.filter((e, n) => n % 2 === t)));
		n.length && (this.ends = [...x(n), ...x(r)]), this.put(null);
	}
	put(e) {
		for (let t of [...this.spread, this.cross]) t.toggleAttribute("hidden", !e);
		let [t, n, r, i] = this.ends, a = "The plane of the latent space with the reference pictures; nothing is drawn yet";
		if (e) {
			let [[o, s], [c, l]] = [e.mean, e.std];
			this.spread.forEach((e, t) => T(e, {
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
			t - C * o,
			-i - C * s,
			o * 1.24,
			s * 1.24
		];
		T(this.svg, {
			viewBox: c.join(" "),
			"aria-label": a
		});
		let l = 10 * Math.max(o, s);
		e && T(this.cross, { d: `M${-l} ${-e.mean[1]}H${l}M${e.mean[0]} ${-l}V${l}` });
	}
	fit(e, t) {
		T(this.svg, {
			width: e,
			height: t
		});
	}
}, ye = .1, be = .1, xe = .1;
function Se(e) {
	let t = Math.abs(e);
	return t < 1 ? (1.5 * t - 2.5) * t * t + 1 : t < 2 ? ((-.5 * t + 2.5) * t - 4) * t + 2 : 0;
}
function Ce(e, t) {
	let n = e / t, r = Math.max(1, n);
	return Array.from({ length: t }, (t, i) => {
		let a = (i + .5) * n, o = Math.max(0, Math.trunc(a - 2 * r + .5)), s = Math.min(e, Math.trunc(a + 2 * r + .5)), c = Float32Array.from({ length: s - o }, (e, t) => Se((o + t - a + .5) / r)), l = c.reduce((e, t) => e + t, 0);
		return {
			first: o,
			shares: c.map((e) => e / l)
		};
	});
}
function E(e, t, n) {
	let r = e.length / t, i = new Float32Array(r * n);
	return Ce(t, n).forEach(({ first: n, shares: a }, o) => {
		for (let s = 0; s < r; s++) {
			let c = 0;
			for (let r = 0, i = s * t + n; r < a.length; r++, i++) c += a[r] * e[i];
			i[o * r + s] = c;
		}
	}), i;
}
function D({ width: e, height: t, values: n }, r, i) {
	return {
		width: r,
		height: i,
		values: E(E(n, e, r), t, i).map((e) => Math.min(1, Math.max(0, e)))
	};
}
function O({ width: e, height: t, values: n }, r) {
	let i = new Float32Array(r ? t : e);
	return n.forEach((t, n) => i[r ? Math.floor(n / e) : n % e] += t), i;
}
function we(e, t) {
	let n = e.reduce((e, t) => e + t, 0), r = e.reduce((e, t, n) => e + t * (n + .5), 0) / n;
	return Math.min(Math.max(Math.ceil(t / 2 - r), 0), t - e.length);
}
function Te({ width: e, height: t, values: n }) {
	let r = n.reduce((e, t) => Math.max(e, t), 0);
	if (r < ye) return null;
	let [i, a, o, s] = [
		e,
		0,
		t,
		0
	];
	n.forEach((t, n) => {
		if (t <= be * r) return;
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
function Ee(e) {
	let { width: t, height: n, values: r } = e, i = (e, i) => e < 0 || i < 0 || e >= t || i >= n ? 0 : r[i * t + e], [a, o] = [0, 0];
	for (let e = 0; e <= n; e++) for (let n = 0; n <= t; n++) a += Math.abs(i(n, e) - i(n - 1, e)) + Math.abs(i(n, e) - i(n, e - 1)), o += i(n, e);
	let s = 2 * o / (a * Math.PI / 4), c = Math.floor(Math.round(xe * Math.max(t, n) - s) / 2);
	if (c < 1) return e;
	let [l, u] = [t + 2 * c, n + 2 * c];
	return {
		width: l,
		height: u,
		values: De(De(r, t, c), n, c)
	};
}
function De(e, t, n) {
	let r = e.length / t, i = new Float32Array(r * (t + 2 * n));
	for (let a = 0; a < r; a++) for (let o = 0; o < t; o++) {
		let s = e[a * t + o];
		if (s !== 0) for (let e = o; e <= o + 2 * n; e++) i[e * r + a] = Math.max(i[e * r + a], s);
	}
	return i;
}
function Oe(e, t, n, r) {
	let i = Te(e);
	if (!i) return null;
	let a = r.brighten ? Ee(i) : i, o = Math.min(r.box * t / a.width, r.box * n / a.height), [s, c] = [a.width, a.height].map((e) => Math.max(1, Math.round(e * o))), l = D(a, s, c), u = l.values.reduce((e, t) => Math.max(e, t), 0);
	r.brighten && (l.values = l.values.map((e) => e / u));
	let d = r.mass ? l : {
		...l,
		values: l.values.map(() => 1)
	}, [f, p] = [we(O(d, 0), t), we(O(d, 1), n)], m = {
		width: t,
		height: n,
		values: new Float32Array(t * n)
	};
	for (let e = 0; e < c; e++) m.values.set(l.values.subarray(e * s, (e + 1) * s), (p + e) * t + f);
	return m;
}
function ke(e, t, n, r) {
	return {
		width: t,
		height: n,
		values: Float32Array.from({ length: t * n }, (t, n) => e[4 * n + r] / 255)
	};
}
function Ae(e, t) {
	return e.map((e) => t ? Number(e >= .5) : Math.round(e * 255) / 255);
}
function je(e, t, [n, r, i], a, o) {
	let s = new Float32Array(n * r * i);
	for (let o = 0; o < n; o++) {
		let n = ke(e, t.width, t.height, o), c = a && Oe(n, i, r, a) || D(n, i, r);
		s.set(c.values, o * r * i);
	}
	return Ae(s, o);
}
// src/decode/pixels.ts
function Me(e, t, n, r = 255) {
	let i = e.length / (t * n), a = new Uint8ClampedArray(i * n * 4), [o, s] = t === 3 ? [n, 2 * n] : [0, 0];
	for (let c = 0, l = 0, u = 0; c < i; c++, l += t * n) for (let t = l; t < l + n; t++, u += 4) a[u] = e[t] * r, a[u + 1] = e[t + o] * r, a[u + 2] = e[t + s] * r, a[u + 3] = 255;
	return a;
}
// src/views/draw/draw.ts
var Ne = 256, Pe = 600, Fe = 760, Ie = 512, Le = "rgb(128 128 128)", k = [], A = (e) => e.slice(e.lastIndexOf(null) + 1), Re = class {
	host;
	canvas = f("canvas", {
		role: "img",
		tabIndex: 0,
		"aria-label": "Drawing area: draw with mouse, finger or pen"
	});
	context = this.canvas.getContext("2d");
	hint = f("p", { className: "hint" }, "Draw here with mouse, finger or pen");
	field = f("canvas").getContext("2d", { willReadFrequently: !0 });
	seen = new _();
	rebuilt = new _();
	bars = new _e();
	plane = new ve();
	said = f("p", {
		className: "said",
		role: "status"
	});
	pen = f("button", { type: "button" }, "Pen");
	eraser = f("button", { type: "button" }, "Eraser");
	thickness = f("input", {
		type: "range",
		min: .02,
		max: .3,
		step: .01,
		value: "0.09",
		"aria-label": "Thickness"
	});
	colour = f("input", {
		type: "color",
		"aria-label": "Colour of the pen"
	});
	centre = f("input", { type: "checkbox" });
	centring = f("label", { title: "As the training data were made: scaled to one size, the ink in the middle" }, this.centre, "Cut out and centred");
	undo = f("button", {
		type: "button",
		title: "Take the last stroke back (Ctrl+Z)"
	}, "Undo");
	clear = f("button", { type: "button" }, "Clear");
	pair = f("div", { className: "pair" }, this.seen.figure, this.rebuilt.figure);
	boards;
	root;
	sends;
	data = null;
	stroke = null;
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
			let n = f("button", {
				type: "button",
				className: `to-${t}`
			}, e);
			return n.onclick = () => this.send(t), n;
		});
		let n = f("button", {
			type: "button",
			title: "The drawing, what the model sees, and what it rebuilds"
		}, "Pictures (PNG)");
		n.onclick = () => this.save(), this.sends.push(n);
		let r = f("figure", {}, f("div", { className: "paper" }, this.canvas, this.hint), f("figcaption", {}, "Your drawing")), i = f("div", { className: "tools sends" }, ...this.sends);
		this.boards = f("div", { className: "boards" }, r, this.pair, this.plane.box, i);
		let a = f("label", { className: "thickness" }, "Thickness", this.thickness), o = f("div", { className: "tools" }, this.pen, this.eraser, a, this.colour, this.centring, this.undo, this.clear);
		this.root = f("div", { className: "draw" }, o, this.boards, this.said, this.bars.box), e.root.replaceChildren(this.root), this.listen();
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
		let a = Ne / Math.max(i, r);
		Object.assign(this.field.canvas, {
			width: Math.round(i * a),
			height: Math.round(r * a)
		}), this.update();
	}
	listen() {
		this.canvas.onpointerdown = (e) => {
			if (this.stroke || e.button !== 0) return;
			this.canvas.setPointerCapture(e.pointerId);
			let t = this.eraser.ariaPressed === "true" ? null : this.colour.value;
			this.stroke = {
				points: [this.point(e)],
				thickness: Number(this.thickness.value),
				colour: t
			}, k.push(this.stroke), this.later();
		}, this.canvas.onpointermove = (e) => {
			if (!this.stroke || !this.canvas.hasPointerCapture(e.pointerId)) return;
			let t = e.getCoalescedEvents?.() ?? [];
			for (let n of t.length ? t : [e]) this.stroke.points.push(this.point(n));
			this.later();
		}, this.canvas.onlostpointercapture = () => this.stroke = null, this.canvas.onkeydown = (e) => {
			e.key.toLowerCase() === "z" && (e.ctrlKey || e.metaKey) && (e.preventDefault(), this.undo.click());
		}, this.pen.onclick = () => this.use("pen"), this.eraser.onclick = () => this.use("eraser"), this.colour.oninput = () => this.use("pen"), this.centre.onchange = () => this.later(), this.undo.onclick = () => (k.pop(), this.later()), this.clear.onclick = () => (k.push(null), this.later()), this.thickness.oninput = () => this.fill();
	}
	use(e) {
		this.pen.ariaPressed = String(e !== "eraser"), this.eraser.ariaPressed = String(e === "eraser"), this.fill();
	}
	fill() {
		let { value: e, min: t, max: n } = this.thickness;
		this.thickness.style.setProperty("--filled", `${100 * (Number(e) - Number(t)) / (Number(n) - Number(t))}%`);
	}
	point(e) {
		let t = this.canvas.getBoundingClientRect();
		return [(e.clientX - t.left) / t.width, (e.clientY - t.top) / t.width];
	}
	later() {
		this.request ||= requestAnimationFrame(() => {
			this.request = 0, this.update();
		});
	}
	update() {
		let e = A(k);
		this.paint(this.context, e), this.hint.hidden = e.length > 0, this.undo.disabled = k.length === 0, this.clear.disabled = e.length === 0;
		for (let t of this.sends) t.disabled = e.length === 0;
		if (!e.length) return this.blank();
		let { model: t, centring: n, bits: r } = this.data;
		this.paint(this.field, e);
		let { width: i, height: a } = this.field.canvas, { data: o } = this.field.getImageData(0, 0, i, a);
		this.x = je(o, {
			width: i,
			height: a
		}, t.shape, this.centre.checked ? n : null, r), this.seen.draw(this.pixelsOf(this.x)), this.encode();
	}
	paint(e, t) {
		let { width: n, height: r } = e.canvas, { dark: i, model: a } = this.data, [o, s] = i ? ["#000000", "#ffffff"] : ["#ffffff", "#000000"];
		e.fillStyle = o, e.fillRect(0, 0, n, r), e.lineCap = e.lineJoin = "round";
		for (let { points: r, thickness: i, colour: c } of t) {
			let [[t, l], ...u] = r;
			e.strokeStyle = c === null ? o : a.shape[0] === 1 ? s : c, e.lineWidth = i * n, e.beginPath(), e.moveTo(t * n, l * n);
			for (let [r, i] of u.length ? u : [[t + 1e-4, l]]) e.lineTo(r * n, i * n);
			e.stroke();
		}
	}
	pixelsOf(e) {
		let [t, n, r] = this.data.model.shape;
		return Me(e, t, n * r);
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
		this.busy = !0, this.late = !1, this.host.engine.encode(e, this.x).then((n) => {
			this.busy = !1, this.isOpen(e) && this.decode(e, n, t), this.late && this.x && this.encode();
		}, (e) => this.host.fail(e.message, this.data.model.encoder ?? ""));
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
	put(e) {
		let { axes: t, plane: n, classes: r, sees: i } = this.data;
		this.pair.classList.toggle("empty", !e), this.seen.label(`What the model sees: ${i}`, "Your drawing as the model sees it"), this.rebuilt.label(e?.y ? `Rebuilt; ${ze(e.y, r)}` : "Rebuilt", "Your drawing as the model rebuilds it"), n ? this.plane.put(e) : this.bars.put(e), n ? this.said.textContent = "Each point is a reference picture; the cross is your drawing, with 1 and 2 standard deviations around it." : e ? this.said.textContent = de(t, t.map((t) => b(t, e.mean, e.std)[0])) : this.said.textContent = "Below, every dimension of the latent space; grey is where 95 % of the reference pictures lie.";
	}
	send(e) {
		let [, t, n] = this.data.model.shape, r = f("canvas", {
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
		let [, e, t] = this.data.model.shape, n = Math.max(1, Math.round(Ie / Math.max(e, t))), [r, i, a] = [
			t * n,
			e * n,
			n
		], o = f("canvas", {
			width: 3 * r + 4 * a,
			height: i + 2 * a
		}).getContext("2d");
		o.fillStyle = Le, o.fillRect(0, 0, o.canvas.width, o.canvas.height), o.imageSmoothingEnabled = !1;
		let s = f("canvas", {
			width: r,
			height: i
		}).getContext("2d");
		this.paint(s, A(k)), [
			s.canvas,
			this.seen.canvas,
			this.rebuilt.canvas
		].forEach((e, t) => o.drawImage(e, a + t * (r + a), a, r, i)), o.canvas.toBlob((e) => {
			let t = URL.createObjectURL(e);
			f("a", {
				href: t,
				download: "drawing.png"
			}).click(), setTimeout(() => URL.revokeObjectURL(t), 1e3);
		});
	}
	fit() {
		if (!this.data) return;
		let e = this.boards.clientWidth, [, t, n] = this.data.model.shape, [r, i, a] = [
			e < Pe,
			this.data.plane !== null,
			window.innerHeight
		], o = !i && e >= Fe;
		this.root.classList.toggle("below", !o);
		let s = r ? Math.min(e, .5 * a) : i ? Math.min((e - 48) / 2.6, .46 * a) : Math.min((e - 48 - (o ? 160 : 0)) / 3, .32 * a), c = r ? (e - 16) / 2 : i ? (s - 40) / 2 : s;
		for (let e of [this.seen, this.rebuilt]) e.fit(c, c), e.figure.style.width = e.canvas.style.width;
		let l = (r || i ? s : parseFloat(this.seen.canvas.style.width)) / (r || i ? Math.max(n, t) : n), u = window.devicePixelRatio || 1;
		Object.assign(this.canvas.style, {
			width: `${n * l}px`,
			height: `${t * l}px`
		}), Object.assign(this.canvas, {
			width: Math.round(n * l * u),
			height: Math.round(t * l * u)
		}), this.paint(this.context, A(k)), this.plane.fit(r ? e : s * 1.15, s), i || this.bars.build();
	}
	dispose() {
		cancelAnimationFrame(this.request), this.host.engine.cancel(this);
		for (let e of [this.seen, this.rebuilt]) e.dispose();
	}
};
function ze(e, t) {
	let n = e.reduce((t, n, r) => n > e[t] ? r : t, 0);
	return `looks like: ${t[n] ?? n}, ${Math.round(100 * e[n])} %`;
}
// src/decode/server.ts
var Be = class {
	ask;
	lanes = /* @__PURE__ */ new Map();
	constructor(e = Ve) {
		this.ask = e;
	}
	decode(e, t) {
		let n = this.lanes.get(e);
		n && n.wish.model.decoder === t.model.decoder ? n.newer = t : (this.cancel(e), this.run(e, t));
	}
	cancel(e) {
		this.lanes.get(e)?.stop.abort(), this.lanes.delete(e);
	}
	async run(e, t) {
		let n = {
			wish: t,
			newer: null,
			stop: new AbortController()
		};
		this.lanes.set(e, n);
		try {
			let r = await this.ask(t, n.stop.signal);
			this.lanes.get(e) === n && t.onPixels(r, 0, t.rows);
		} catch {}
		this.lanes.get(e) === n && (this.lanes.delete(e), n.newer && this.run(e, n.newer));
	}
};
async function Ve({ model: e, z: t, y: n, rows: r }, i) {
	let a = e.classes ? n ?? new Float32Array(r * e.classes).fill(1 / e.classes) : [], o = Float32Array.from([...t, ...a]), s = await fetch(p(e.pictures), {
		method: "POST",
		body: o,
		signal: i
	});
	if (!s.ok) throw Error(await s.text());
	let [c, l, u] = e.shape;
	return Me(new Uint8Array(await s.arrayBuffer()), c, l * u, 1);
}
// src/decode/worker.ts?worker&inline
var j = "function e(e,t,n,r=255){let i=e.length/(t*n),a=new Uint8ClampedArray(i*n*4),[o,s]=t===3?[n,2*n]:[0,0];for(let c=0,l=0,u=0;c<i;c++,l+=t*n)for(let t=l;t<l+n;t++,u+=4)a[u]=e[t]*r,a[u+1]=e[t+o]*r,a[u+2]=e[t+s]*r,a[u+3]=255;return a}const t=self,n=/* @__PURE__ */ new Map;let r;const i=(e,n=[])=>t.postMessage(e,n);async function a(e){let t=await import(\n/* @vite-ignore */\n`${e}ort.wasm.min.mjs`);return t.env.wasm.numThreads=1,t.env.wasm.wasmPaths=e,t.env.logLevel=`error`,t}function o(e){let t=n.get(e)??s(e);n.delete(e),n.set(e,t);for(let[e,t]of n){if(n.size<=12)break;n.delete(e),t.then(({session:e})=>e.release()).catch(()=>void 0)}return t}async function s(e){try{let[t,n]=await Promise.all([r,fetch(e)]);if(!n.ok)throw Error(await c(n)||`the decoder is not to be had (${n.status})`);return{session:await t.InferenceSession.create(new Uint8Array(await n.arrayBuffer())),inputs:/* @__PURE__ */ new Map}}catch(t){throw n.delete(e),t}}async function c(e){return(e.headers.get(`content-type`)?.startsWith(`text/plain`)??!1)&&(e.status===404||e.status===422)?e.text():``}async function l(t){let[n,{session:a,inputs:s}]=await Promise.all([r,o(t.url)]),c={};for(let e of a.inputNames){let r=t.feeds[e],i=s.get(e);i?.size!==r.length&&(i=new n.Tensor(`float32`,new Float32Array(r.length),[t.rows,...t.shapes[e]]),s.set(e,i)),i.data.set(r),c[e]=i}let l=await a.run(c);if(t.pictures){let n=l[a.outputNames[0]],r=e(n.data,n.dims[1],n.dims[2]*n.dims[3]);i({kind:`pixels`,id:t.id,pixels:r},[r.buffer])}else{let e=a.outputNames.map(e=>[e,l[e].data.slice()]);i({kind:`numbers`,id:t.id,outputs:Object.fromEntries(e)},e.map(([,e])=>e.buffer))}}t.onmessage=async({data:e})=>{try{e.kind===`begin`?await(r=a(e.runtime)):e.kind===`run`?await l(e):(await o(e.url),i({kind:`loaded`,url:e.url}))}catch(t){let n=t instanceof Error?t.message:String(t);i({kind:`failed`,id:e.kind===`run`?e.id:null,url:e.kind===`begin`?null:e.url,reason:n})}};", M = typeof self < "u" && self.Blob && new Blob(["URL.revokeObjectURL(import.meta.url);", j], { type: "text/javascript;charset=utf-8" });
function He(e) {
	let t;
	try {
		if (t = M && (self.URL || self.webkitURL).createObjectURL(M), !t) throw "";
		let n = new Worker(t, {
			type: "module",
			name: e?.name
		});
		return n.addEventListener("error", () => {
			(self.URL || self.webkitURL).revokeObjectURL(t);
		}), n;
	} catch {
		return new Worker("data:text/javascript;charset=utf-8," + encodeURIComponent(j), {
			type: "module",
			name: e?.name
		});
	}
}
// src/decode/engine.ts
var Ue = 16384, We = class {
	worker;
	server;
	id = 0;
	broken = null;
	lanes = /* @__PURE__ */ new Map();
	others = [];
	flight = null;
	failures = /* @__PURE__ */ new Set();
	changes = /* @__PURE__ */ new Set();
	states = /* @__PURE__ */ new Map();
	constructor(e, t = new Be()) {
		this.worker = e, this.server = t, e.onmessage = ({ data: e }) => this.heard(e), e.onerror = (e) => this.fail(e.message || "the worker could not be started");
	}
	onFailure(e) {
		return this.broken !== null && e(this.broken, ""), this.failures.add(e), () => this.failures.delete(e);
	}
	onChange(e) {
		return this.changes.add(e), () => this.changes.delete(e);
	}
	state(e) {
		return this.states.get(p(e)) ?? "loading";
	}
	load(e) {
		this.states.has(p(e)) || this.broken !== null || (this.become(p(e), "loading"), this.worker.postMessage({
			kind: "load",
			url: p(e)
		}));
	}
	decode(e, t) {
		if (this.broken !== null || this.state(t.model.decoder) === "failed") return;
		let n = this.lanes.get(e);
		n && n.row > 0 ? n.newer = t : this.lanes.set(e, {
			wish: t,
			row: 0,
			newer: null
		}), this.load(t.model.decoder), this.state(t.model.decoder) === "loading" ? this.server.decode(e, t) : this.server.cancel(e), this.pump();
	}
	encode(e, t, n = 1) {
		return new Promise((r, i) => {
			if (this.broken !== null || !e.encoder) return i(Error(this.broken ?? "there is no encoder"));
			if (this.state(e.encoder) === "failed") return i(/* @__PURE__ */ Error("the encoder does not run here"));
			let a = {
				url: p(e.encoder),
				rows: n,
				feeds: { x: t },
				shapes: { x: e.shape },
				pictures: !1
			};
			this.load(e.encoder), this.others.push({
				ask: a,
				answer: (e) => e.kind === "numbers" ? r(e.outputs) : i(Error(e.kind === "failed" ? e.reason : "no numbers came"))
			}), this.pump();
		});
	}
	cancel(e) {
		this.lanes.delete(e), this.server.cancel(e), this.flight?.who === e && (this.flight.who = null);
	}
	close() {
		this.failures.clear(), this.fail("the live view was begun anew"), this.worker.terminate();
	}
	pump() {
		if (this.flight || this.broken !== null) return;
		let e = this.others.findIndex(({ ask: e }) => this.state(e.url) !== "loading");
		if (e >= 0) {
			let [t] = this.others.splice(e, 1);
			return this.post(t.ask, null, t.answer);
		}
		let t = [...this.lanes].find(([, { wish: e }]) => this.state(e.model.decoder) !== "loading");
		if (!t) return;
		let [n, r] = t, { wish: i, row: a } = r, { model: o, z: s, y: c, rows: l } = i, [u, d, f] = o.shape, m = Math.min(l - a, Math.max(1, Math.floor(Ue / (u * d * f))));
		this.lanes.delete(n), a + m < l ? this.lanes.set(n, {
			...r,
			row: a + m
		}) : r.newer && this.lanes.set(n, {
			wish: r.newer,
			row: 0,
			newer: null
		});
		let h = { z: s.slice(a * o.dim, (a + m) * o.dim) };
		o.classes && c && (h.y = c.slice(a * o.classes, (a + m) * o.classes));
		let g = {
			z: [o.dim],
			y: [o.classes]
		};
		this.post({
			url: p(o.decoder),
			rows: m,
			feeds: h,
			shapes: g,
			pictures: !0
		}, n, (e, t) => {
			if (e.kind === "failed") return e.url === null ? void 0 : this.tell(e.reason, e.url);
			e.kind === "pixels" && t && (this.server.cancel(n), i.onPixels(e.pixels, a, m), this.become(p(o.decoder), "drawn"));
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
		if (e.kind === "failed" && e.id === null) return e.url === null ? this.fail(e.reason) : (this.tell(e.reason, e.url), this.pump());
		if (e.id !== this.flight?.id) return;
		let { who: t, answer: n } = this.flight;
		this.flight = null;
		try {
			n(e, t !== null);
		} finally {
			this.pump();
		}
	}
	fail(e) {
		if (this.broken !== null) return;
		this.broken = e;
		let t = [...this.flight ? [this.flight.answer] : [], ...this.others.splice(0).map(({ answer: e }) => e)];
		this.flight = null;
		for (let n of t) n({
			kind: "failed",
			id: 0,
			url: null,
			reason: e
		}, !1);
		this.tell(e, "");
	}
	become(e, t) {
		if (this.states.get(e) !== t) {
			this.states.set(e, t);
			for (let e of this.changes) e();
		}
	}
	tell(e, t) {
		t !== "" && this.become(t, "failed");
		for (let [e, { wish: n }] of this.lanes) (t === "" || p(n.model.decoder) === t) && this.cancel(e);
		for (let n = this.others.length - 1; n >= 0; n--) {
			if (this.others[n].ask.url !== t) continue;
			let [{ answer: r }] = this.others.splice(n, 1);
			r({
				kind: "failed",
				id: 0,
				url: t,
				reason: e
			}, !1);
		}
		for (let n of this.failures) n(e, t);
	}
};
async function N(e) {
	let t = await fetch(p(e));
	if (!t.ok) throw Error(`the points are not to be had (${t.status})`);
	return t.arrayBuffer();
}
var P = null;
function Ge(e) {
	if (P?.runtime === e) return P.engine;
	if (typeof WebAssembly != "object" || typeof Worker != "function") throw Error("this browser has no WebAssembly");
	let t = new He();
	return P = {
		runtime: e,
		engine: new We(t)
	}, t.postMessage({
		kind: "begin",
		runtime: p(e)
	}), P.engine;
}
function Ke() {
	P?.engine.close(), P = null;
}
// src/views/grid.ts
var qe = .01;
function Je(e, t, n, r) {
	let i = new Float32Array(n), a = t * 2 * n;
	for (let t = 0; t < n; t++) i[t] = e[a + t] + r * e[a + n + t];
	return i;
}
var Ye = class {
	host;
	screen = new _();
	rows = f("div", { className: "rows" });
	below = f("div", { className: "below" });
	mark = f("span", {
		className: "mark",
		hidden: !0
	});
	heat = f("input", {
		type: "range",
		min: "0",
		step: String(qe),
		"aria-label": "Temperature"
	});
	heatNumber = f("input", {
		type: "number",
		min: "0",
		step: "0.05",
		"aria-label": "Value of the temperature"
	});
	heatNote = f("small");
	seed = f("input", {
		type: "range",
		step: "1",
		"aria-label": "Seed"
	});
	seedNumber = f("input", {
		type: "number",
		min: "0",
		step: "1",
		"aria-label": "Value of the seed"
	});
	draw = f("button", { type: "button" }, "New draw");
	seedRow = f("div", { className: "knob" }, f("span", {}, "Seed"), this.seed, this.seedNumber, this.draw);
	echo = new v(() => this.host.settled);
	report = m(() => this.host.tell("knobs", this.echo.send({
		temperature: this.at,
		seed: this.of
	})));
	data = null;
	held = null;
	routes = "";
	at = 1;
	of = 0;
	shows = !1;
	constructor(e) {
		this.host = e;
		let t = f("div", { className: "knob" }, f("span", {}, "Temperature"), this.heat, this.heatNumber);
		e.root.replaceChildren(f("div", { className: "grid" }, f("div", { className: "knobs" }, t, this.seedRow), this.rows, f("div", { className: "field" }, this.screen.canvas, this.mark), this.below, this.heatNote)), this.heat.oninput = () => this.turn(Number(this.heat.value), this.of), this.seed.oninput = () => this.turn(this.at, Number(this.seed.value)), this.heat.onchange = this.seed.onchange = () => this.report.later(), this.heatNumber.onchange = () => this.type(Number(this.heatNumber.value || 1), this.of), this.seedNumber.onchange = () => this.type(this.at, Number(this.seedNumber.value || 0)), this.draw.onclick = () => this.type(this.at, this.of >= this.data.last ? 0 : this.of + 1), this.screen.canvas.onclick = (e) => {
			let t = this.screen.place(e);
			t >= 0 && this.host.tell("picked", t);
		};
	}
	show(e) {
		let { temperature: t, seed: n } = e;
		(this.echo.isNews({
			temperature: t,
			seed: n
		}) || this.data === null) && (this.at = t, this.of = n), this.data?.model.key !== e.model.key && this.host.engine.load(e.model.decoder), this.data = e;
		let [, r, i] = e.model.shape;
		this.screen.arrange({
			width: i,
			height: r,
			columns: e.columns,
			count: e.count,
			gutter: e.gutter
		}), this.screen.label("", e.alt), this.heat.max = this.heatNumber.max = String(e.hottest);
		let { first: a, seeds: o } = e.windows.at(-1);
		Object.assign(this.seed, {
			min: String(a),
			max: String(a + o - 1)
		}), this.seedNumber.max = String(e.last), this.seedRow.hidden = !e.seeded, this.heatNote.textContent = e.moves ? "" : "The pictures follow a temperature when you let go of it: this prior is drawn step by step.", this.labels(), this.knobs();
		let s = e.windows.map(({ points: e }) => e).join(" ");
		this.routes === s ? this.decode() : this.fetch(e.windows, s);
	}
	async fetch(e, t) {
		this.routes = t, this.held = null;
		try {
			for (let n of e) {
				let e = new Float32Array(await N(n.points));
				if (this.routes !== t) return;
				let r = this.held === null;
				this.held = {
					window: n,
					points: e
				}, (r || !this.shows) && this.decode();
			}
		} catch (e) {
			if (this.routes !== t) return;
			this.routes = "", this.host.fail(e instanceof Error ? e.message : String(e), this.data.model.decoder);
		}
	}
	turn(e, t) {
		this.at = e, this.of = t, this.knobs(), this.decode();
	}
	type(e, t) {
		let { hottest: n, last: r } = this.data, i = (e, t) => Number.isFinite(e) ? Math.min(t, Math.max(0, e)) : 0;
		this.turn(i(e, n), Math.round(i(t, r))), this.report.now();
	}
	knobs() {
		this.heat.value = this.heatNumber.value = String(this.at), this.seed.value = this.seedNumber.value = String(this.of), this.heatNumber.value = this.at.toFixed(2);
		for (let e of [this.heat, this.seed]) {
			let t = Number(e.max) - Number(e.min) || 1;
			e.style.setProperty("--filled", `${100 * (Number(e.value) - Number(e.min)) / t}%`);
		}
		this.ends();
	}
	decode() {
		let { model: e, count: t, y: n } = this.data;
		if (!this.held) return;
		let { points: r, window: i } = this.held, a = this.of - i.first;
		if (this.shows = a >= 0 && a < i.seeds, !this.shows) return;
		let o = performance.now();
		this.host.engine.decode(this, {
			model: e,
			z: Je(r, a, t * e.dim, this.at),
			y: n === null ? void 0 : Float32Array.from(n),
			rows: t,
			onPixels: (e, t, n) => this.screen.draw(e, t, n, o)
		});
	}
	labels() {
		let { rows: e, chosen: t, columns: n, count: r, model: i, gutter: a } = this.data;
		this.data.edge === null && this.rows.replaceChildren(...e.map((e) => f("span", { title: e }, e))), this.mark.hidden = t < 0 || t >= r;
		let [, o, s] = i.shape, c = n * (s + a) + a, l = Math.ceil(r / n) * (o + a) + a;
		Object.assign(this.mark.style, {
			left: `${100 * (t % n * (s + a) + a) / c}%`,
			top: `${100 * (Math.floor(t / n) * (o + a) + a) / l}%`,
			width: `${100 * s / c}%`,
			height: `${100 * o / l}%`
		});
	}
	ends() {
		let { edge: e } = this.data;
		if (this.rows.classList.toggle("axis", e !== null), this.below.hidden = e === null, e === null) return;
		let t = (e * this.at).toFixed(2);
		this.rows.replaceChildren(...[
			t,
			"z1 ↑",
			`-${t}`
		].map((e) => f("span", {}, e))), this.below.replaceChildren(...[
			`-${t}`,
			"z0 →",
			t
		].map((e) => f("span", {}, e)));
	}
	finish() {
		this.report.flush();
	}
	fit() {
		if (!this.data) return;
		let e = this.host.root.clientWidth - this.rows.offsetWidth - 2;
		this.screen.fit(e, window.innerHeight * this.data.share), this.below.style.width = this.screen.canvas.style.width;
	}
	dispose() {
		this.report.cancel(), this.host.engine.cancel(this), this.screen.dispose(), this.routes = "";
	}
}, Xe = 1e3, Ze = class {
	root;
	engine;
	note = f("p", {
		className: "loading",
		role: "status",
		hidden: !0
	}, "The live view loads …");
	deaf;
	decoders = [];
	timer = 0;
	constructor(e, t) {
		this.root = e, this.engine = t, e.append(this.note), this.deaf = t.onChange(() => this.put());
	}
	watch(e) {
		this.decoders = e, this.put();
	}
	put() {
		let e = this.decoders.map((e) => this.engine.state(e)), t = e.includes("loading");
		this.root.dataset.state = t ? "loading" : e.every((e) => e === "drawn") ? "drawn" : "loaded", t ? this.timer ||= window.setTimeout(() => this.note.hidden = !1, Xe) : (clearTimeout(this.timer), this.timer = 0, this.note.hidden = !0);
	}
	dispose() {
		clearTimeout(this.timer), this.deaf(), this.note.remove();
	}
}, Qe = .05;
function $e(e, t, n) {
	let r = [Infinity, Infinity], i = [-Infinity, -Infinity];
	for (let t = 0; t < e.length; t++) r[t & 1] = Math.min(r[t & 1], e[t]), i[t & 1] = Math.max(i[t & 1], e[t]);
	let a = [t.width, t.height].map((e, t) => e * (1 - 2 * Qe) / Math.max(i[t] - r[t], 1e-9)), o = Math.min(...a.filter((e) => e < 1e9), 1e9), [s, c] = n ? [o, o] : a.map((e) => e < 1e9 ? e : o);
	return {
		...t,
		x: (r[0] + i[0]) / 2,
		y: (r[1] + i[1]) / 2,
		sx: s,
		sy: c
	};
}
var F = (e, t, n) => [e.left + e.width / 2 + (t - e.x) * e.sx, e.top + e.height / 2 - (n - e.y) * e.sy], I = (e, t, n) => [e.x + (t - e.left - e.width / 2) / e.sx, e.y - (n - e.top - e.height / 2) / e.sy], L = (e, t, n) => ({
	...e,
	x: e.x - t / e.sx,
	y: e.y + n / e.sy
});
function R(e, t, n, r) {
	let [i, a] = I(e, n, r);
	return {
		...e,
		sx: e.sx * t,
		sy: e.sy * t,
		x: i + (e.x - i) / t,
		y: a + (e.y - a) / t
	};
}
function et(e, { sx: t, sy: n }, r, i) {
	let a = -1, o = Infinity;
	for (let s = 0; s < e.length; s += 2) {
		let c = (e[s] - r) * t, l = (e[s + 1] - i) * n, u = c * c + l * l;
		u < o && ([o, a] = [u, s / 2]);
	}
	return a;
}
function tt(e, t, n) {
	let r = !1;
	return e.forEach(([i, a], o) => {
		let [s, c] = e[(o || e.length) - 1];
		a > n != c > n && t < (s - i) * (n - a) / (c - a) + i && (r = !r);
	}), r;
}
function z(e, t) {
	let n = [];
	for (let r = 0; r < t.length; r += 2) tt(e, t[r], t[r + 1]) && n.push(r / 2);
	return n;
}
var B = ([e, t], [n, r]) => [
	[e, t],
	[n, t],
	[n, r],
	[e, r]
];
function nt({ mean: e, axes: t }, n, r) {
	let i = e.length;
	return e.map((e, a) => e + n * t[a] + r * t[i + a]);
}
function rt({ axes: e }, t, [n, r], i, a) {
	let o = t.length;
	return t.map((t, s) => t + (i - n) * e[s] + (a - r) * e[o + s]);
}
function it(e, t, n) {
	let r = (t - e) / n, i = 10 ** Math.floor(Math.log10(r)), a = i * ([
		1,
		2,
		5
	].find((e) => e * i >= r) ?? 10), o = Math.ceil(e / a);
	return Array.from({ length: Math.max(0, Math.floor(t / a) - o + 1) }, (e, t) => (o + t) * a);
}
// src/views/map/board.ts
var at = .25, ot = .8, st = 14, V = [.5, 400];
function H(e, t, n, r, i) {
	let a = (...t) => {
		for (let a = 0; a < t.length; a += 2) {
			let [o, s] = [n + t[a] * i, r + t[a + 1] * i];
			a ? e.lineTo(o, s) : e.moveTo(o, s);
		}
		e.closePath();
	}, [o, s] = [.4, 1.1];
	t === 1 ? a(0, -1.3, 1.3, 0, 0, 1.3, -1.3, 0) : t === 2 ? a(-1, -1, 1, -1, 1, 1, -1, 1) : t === 3 ? a(-o, -s, o, -s, o, -o, s, -o, s, o, o, o, o, s, -o, s, -o, o, -s, o, -s, -o, -o, -o) : t === 4 ? a(0, -.6, .6, -1.2, 1.2, -.6, .6, 0, 1.2, .6, .6, 1.2, 0, .6, -.6, 1.2, -1.2, .6, -.6, 0, -1.2, -.6, -.6, -1.2) : t === 5 ? a(0, -1.2, 1.2, .9, -1.2, .9) : (e.moveTo(n + i, r), e.arc(n, r, i, 0, 2 * Math.PI));
}
var ct = class {
	over;
	below = f("canvas", { "aria-hidden": "true" });
	above = f("canvas", {
		className: "above",
		role: "application",
		tabIndex: 0
	});
	box = f("div", { className: "plot" }, this.below, this.above);
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
	request = 0;
	constructor(e) {
		this.over = e;
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
		let r = this.room(e, t), i = $e(this.look.points.coords, r, this.look.equal), { frame: a, home: o } = this;
		this.frame = o ? {
			...i,
			x: a.x,
			y: a.y,
			sx: i.sx * a.sx / o.sx,
			sy: i.sy * a.sy / o.sy
		} : i, o && a.sx === o.sx && a.x === o.x && a.y === o.y && (this.frame = i), this.home = i, this.draw();
	}
	room(e, t) {
		let [n, r] = this.look.ticks ? [36, 44] : [1, 24];
		return {
			left: n,
			top: 24,
			width: Math.max(1, e - n - 1),
			height: Math.max(1, t - 24 - r)
		};
	}
	turn(e) {
		let t = this.home ? e.sx / this.home.sx : 1;
		t < V[0] || t > V[1] || (this.frame = e, this.draw());
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
			for (let t of this.look.marks) this.flag(e, t);
		}
	}
	dispose() {
		cancelAnimationFrame(this.request);
	}
	front(e, t, n = "") {
		let { points: r, size: i } = this.look, [a, o] = this.at(t);
		e.beginPath(), H(e, r.paint[4 * t + 3], a, o, i / 2 + 3), e.fillStyle = this.colour(t), e.fill(), e.lineWidth = 2.5, e.strokeStyle = n || this.style("--st-text-color"), e.stroke();
	}
	at(e) {
		let { coords: t } = this.look.points;
		return F(this.frame, t[2 * e], t[2 * e + 1]);
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
			this.dots(e);
			for (let t of this.look.labels) this.name(e, t);
		});
	}
	dots(e) {
		let { points: t, size: n, chosen: r } = this.look, { left: i, top: a, width: o, height: s } = this.frame, c = t.row.length;
		for (let l of r.size ? [!1, !0] : [!1]) {
			e.globalAlpha = l ? 1 : r.size ? at : ot;
			for (let u = 0; u < c; u++) {
				if (r.has(u) !== l) continue;
				let [c, d] = this.at(u);
				c < i - n || c > i + o + n || d < a - n || d > a + s + n || (e.beginPath(), H(e, t.paint[4 * u + 3], c, d, n / 2 + +!!l), e.fillStyle = this.colour(u), e.fill());
			}
		}
		e.globalAlpha = 1;
	}
	axes(e) {
		let { left: t, top: n, width: r, height: i } = this.frame, { axes: a, ticks: o } = this.look, [s, c] = [this.style("--st-text-color"), this.style("--st-border-color")], l = n + i;
		e.font = `${st}px ${this.style("--st-font")}`, e.lineWidth = 1, e.strokeStyle = c, e.fillStyle = s;
		let [u, d] = [I(this.frame, t, l), I(this.frame, t + r, n)], f = (e, t) => o ? it(u[e], d[e], t) : [], p = (e, t) => {
			let n = Math.max(0, -Math.floor(Math.log10(e.length > 1 ? e[1] - e[0] : 1) + 1e-9));
			return (n > 3 ? e[t].toExponential(0) : e[t].toFixed(n)).replaceAll("-", "−");
		};
		e.beginPath(), e.rect(t, n, r, i);
		let m = f(0, Math.max(2, r / 60));
		e.textAlign = "center", e.textBaseline = "top", m.forEach((t, r) => {
			let [i] = F(this.frame, t, 0);
			e.moveTo(i, n), e.lineTo(i, l), e.fillText(p(m, r), i, l + 4);
		}), e.fillText(a[0], t + r / 2, l + (o ? 23 : 5));
		let h = f(1, Math.max(2, i / 60));
		e.textAlign = "right", e.textBaseline = "middle", h.forEach((n, i) => {
			let [, a] = F(this.frame, 0, n);
			e.moveTo(t, a), e.lineTo(t + r, a), e.fillText(p(h, i), t - 6, a);
		}), e.stroke(), e.textAlign = "left", e.fillText(a[1], t, n / 2);
	}
	name(e, { text: t, x: n, y: r, move: i, ground: a, ink: o }) {
		let [s, c] = F(this.frame, n, r);
		this.arrow(e, s, c, i, a, 2), this.plate(e, t, s, c - i, a, o, 16, 1);
	}
	flag(e, { name: t, x: n, y: r, colour: i }) {
		let [a, o] = F(this.frame, n, r), { left: s, top: c, width: l, height: u } = this.frame;
		if (a < s || a > s + l || o < c || o > c + u) return;
		let d = o - c < 60 ? -42 : 42;
		this.arrow(e, a, o, d, i, 3), e.beginPath(), e.arc(a, o, 4, 0, 2 * Math.PI), e.fillStyle = i, e.fill(), this.plate(e, t, a, o - d, i, "white", 18, 2);
	}
	arrow(e, t, n, r, i, a) {
		e.beginPath(), e.moveTo(t, n), e.lineTo(t, n - r), e.lineWidth = a, e.strokeStyle = i, e.stroke();
	}
	plate(e, t, n, r, i, a, o, s) {
		e.font = `bold ${o}px ${this.style("--st-font")}`, e.textAlign = "center", e.textBaseline = "middle";
		let c = e.measureText(t).width + 8;
		e.beginPath(), e.rect(n - c / 2, r - o / 2 - 4, c, o + 8), e.fillStyle = i, e.fill(), e.lineWidth = s, e.strokeStyle = "white", e.stroke(), e.fillStyle = a, e.fillText(t, n, r + 1);
	}
};
// src/maths/points.ts
function lt(e, t, n, r, i) {
	let a = 8 * n + (i ? 3 * r : 0);
	if (e.byteLength !== 4 * a || t.byteLength !== 4 * n * r) throw Error("the points came incomplete");
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
		basis: i ? {
			mean: new Float32Array(...s(r)),
			axes: new Float32Array(...s(2 * r))
		} : null,
		means: new Float32Array(t)
	};
}
// src/views/map/map.ts
var ut = {
	Look: "The picture under the pointer is decoded; a click chooses a point, a drag from point to point plays the way",
	Path: "Drag from one point to another, or click both, to see the pictures on the way; the nearest point is meant",
	Move: "Drag to move the map",
	Box: "Drag a box around points to choose them",
	Lasso: "Draw around points to choose them"
}, dt = 250, U = {
	mouse: 12,
	touch: 26
}, ft = 4, pt = .0015, W = {
	coarse: 10,
	fine: 1
}, mt = 4, ht = 360, gt = 540, G = 92, K = "Between points a t-SNE map has no inverse: this is the nearest point's picture.", _t = "Decoded on the straight way between the two in latent space, whatever the map shows there.", q = {
	ArrowLeft: [-1, 0],
	ArrowRight: [1, 0],
	ArrowUp: [0, -1],
	ArrowDown: [0, 1]
}, J = (e) => e.toFixed(2).replace("-", "−"), vt = class {
	host;
	board = new ct((e) => this.over(e));
	under = new _();
	beside = new _();
	legend = f("div", { className: "legend" });
	tools = /* @__PURE__ */ new Map();
	residual = f("input", { type: "checkbox" });
	carry = f("label", { className: "carry" }, this.residual, "With the nearest point's residual");
	note = f("p", { className: "note" });
	play = f("button", { type: "button" }, "Play");
	share = f("input", {
		type: "range",
		min: 0,
		max: 1,
		step: .01,
		"aria-label": "Place on the path"
	});
	path = f("div", {
		className: "path",
		hidden: !0
	}, this.play, this.share);
	loop = new h((e) => this.walk(e));
	settings = new v(() => this.host.settled);
	choices = new v(() => this.host.settled);
	fingers = /* @__PURE__ */ new Map();
	data = null;
	points = null;
	wanted = "";
	tool = "Look";
	chosen = /* @__PURE__ */ new Set();
	at = [0, 0];
	near = -1;
	shown = -1;
	gesture = null;
	ends = null;
	first = -1;
	clicked = 0;
	walked = 0;
	constructor(e) {
		this.host = e;
		let t = Object.entries(ut).map(([e, t]) => {
			let n = f("button", {
				type: "button",
				title: t
			}, e);
			return n.onclick = () => this.take(e), this.tools.set(e, n), n;
		}), n = f("button", {
			type: "button",
			title: "Show the whole map and take the path off it; a double-click shows the whole map too"
		}, "Reset");
		n.onclick = () => {
			this.leave(), this.board.reset();
		};
		let r = f("div", {
			className: "tools",
			role: "toolbar",
			"aria-label": "What the pointer does"
		}, ...t, n);
		this.beside.figure.className = "beside";
		let i = f("div", { className: "seen" }, this.under.figure, this.note, this.path, this.carry, this.beside.figure);
		e.root.replaceChildren(f("div", { className: "map" }, f("div", { className: "sides" }, f("div", {}, this.legend, this.board.box, r), i))), this.residual.onchange = () => {
			this.host.tell("set", this.settings.send({
				tool: this.tool,
				residual: this.residual.checked
			})), this.decode();
		}, this.play.onclick = () => this.loop.running ? this.rest() : this.go(), this.share.oninput = () => {
			this.rest(), this.walked = Number(this.share.value), this.step();
		}, this.listen(this.board.above);
	}
	show(e) {
		let t = this.data === null;
		e.key !== this.wanted && (this.points = null), this.data = e, this.board.box.style.setProperty("--tall", `${e.height}px`), this.board.above.setAttribute("aria-label", `${e.alt}. Arrow keys move the pointer, Enter chooses the nearest point.`);
		let [, n, r] = e.model.shape;
		for (let e of [this.under, this.beside]) e.arrange({
			width: r,
			height: n
		});
		this.ends || this.remark(e.linear ? "" : K), this.beside.figure.hidden = !e.linear, this.carry.hidden = !e.linear || e.model.dim <= 2, this.settings.isNews({
			tool: e.tool,
			residual: e.residual
		}) && (this.residual.checked = e.residual, this.hold(e.tool)), this.choices.isNews(e.chosen) && (this.chosen = new Set(e.chosen)), this.explain(), t && this.host.engine.load(e.model.decoder), this.wanted === e.key ? this.redraw() : this.fetch(e);
	}
	async fetch(e) {
		this.wanted = e.key, this.leave();
		try {
			let [t, n] = await Promise.all([N(e.points), N(e.means)]);
			if (this.wanted !== e.key) return;
			this.points = lt(t, n, e.count, e.model.dim, e.linear);
		} catch (t) {
			return this.wanted === e.key ? (this.wanted = "", this.host.fail(t instanceof Error ? t.message : String(t), e.model.decoder)) : void 0;
		}
		this.shown = -1, this.redraw();
		let { x: t, y: n } = this.board.frame;
		this.look([t, n]);
	}
	redraw() {
		if (!this.points || !this.data) return;
		let { size: e, equal: t, linear: n, axes: r, labels: i, marks: a } = this.data;
		this.board.show({
			points: this.points,
			size: e,
			equal: t,
			ticks: n,
			axes: r,
			labels: i,
			marks: a,
			chosen: this.chosen
		});
	}
	explain() {
		let { legend: e, scale: t } = this.data, n = (e) => {
			let t = f("i", {});
			return t.style.background = e, t;
		}, r = e.map(({ text: e, ground: t }) => f("span", {}, n(t), e));
		if (this.legend.replaceChildren(...r), t) {
			let e = f("i", { className: "scale" });
			e.style.background = `linear-gradient(to right, ${t.colours.join(", ")})`;
			let [n, r] = t.ends.map((e) => String(Number(e.toPrecision(3))).replace("-", "−"));
			this.legend.append(`${t.title}: ${n}`, e, r);
		}
		this.legend.hidden = r.length === 0 && t === null;
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
	listen(e) {
		e.onpointerdown = (e) => this.down(e), e.onpointermove = (e) => this.move(e), e.onpointerup = (e) => this.up(e), e.onpointercancel = (e) => {
			this.fingers.delete(e.pointerId), this.drop();
		}, e.ondblclick = () => {
			clearTimeout(this.clicked), this.first = -1, this.board.reset();
		}, e.onkeydown = (e) => this.key(e), e.addEventListener("wheel", (e) => this.wheel(e), { passive: !1 });
	}
	down(e) {
		if (!this.points || e.button !== 0) return;
		clearTimeout(this.clicked), this.rest(), this.board.above.setPointerCapture(e.pointerId);
		let t = [e.offsetX, e.offsetY];
		if (this.fingers.set(e.pointerId, t), this.fingers.size > 1) return this.drop();
		let n = I(this.board.frame, ...t), r = e.pointerType === "touch", i = this.tool === "Path" ? this.first < 0 : this.tool === "Look" && !r;
		this.gesture = {
			tool: this.tool,
			begin: t,
			last: t,
			trail: [n],
			moved: !1,
			touch: r,
			begins: i
		}, this.look(n), i && (this.first = this.tool === "Path" ? this.near : this.hit(r)), this.board.hover();
	}
	move(e) {
		if (!this.points) return;
		let { left: t, top: n, width: r, height: i } = this.board.frame, a = (e, t, n) => Math.min(t + n, Math.max(t, e)), o = [a(e.offsetX, t, r), a(e.offsetY, n, i)];
		if (this.under.caption.setAttribute("aria-live", "off"), this.fingers.size > 1) return this.pinch(e.pointerId, o);
		let s = I(this.board.frame, ...o), { gesture: c } = this;
		c ? (c.moved ||= Math.hypot(o[0] - c.begin[0], o[1] - c.begin[1]) > ft, c.tool === "Move" ? (this.board.turn(L(this.board.frame, o[0] - c.last[0], o[1] - c.last[1])), c.last = o) : (c.trail.push(s), this.look(s))) : this.loop.running || this.look(s);
	}
	up(e) {
		this.fingers.delete(e.pointerId);
		let { gesture: t } = this;
		if (this.gesture = null, !t || !this.points) return;
		let n = this.hit(t.touch);
		t.tool === "Path" ? this.reach(this.near) : t.moved ? t.tool === "Look" ? (this.reach(n), this.first = -1) : t.tool === "Box" ? this.choose(z(B(t.trail[0], t.trail.at(-1)), this.points.coords)) : t.tool === "Lasso" && this.choose(z(t.trail, this.points.coords)) : this.clicked = window.setTimeout(() => this.choose(n < 0 ? [] : [n]), dt), this.board.hover();
	}
	drop() {
		this.gesture?.begins && (this.first = -1), this.gesture = null, this.board.hover();
	}
	pinch(e, t) {
		let n = this.fingers.get(e), r = [...this.fingers].find(([t]) => t !== e)?.[1];
		if (!n || !r) return;
		let i = ([e, t]) => Math.max(1, Math.hypot(e - r[0], t - r[1])), a = L(this.board.frame, (t[0] - n[0]) / 2, (t[1] - n[1]) / 2);
		this.board.turn(R(a, i(t) / i(n), (t[0] + r[0]) / 2, (t[1] + r[1]) / 2)), this.fingers.set(e, t);
	}
	wheel(e) {
		if (e.deltaY > 0 && this.board.whole) return;
		e.preventDefault();
		let t = e.deltaY * (e.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1) * (e.ctrlKey ? 6 : 1);
		this.board.turn(R(this.board.frame, Math.exp(-t * pt), e.offsetX, e.offsetY));
	}
	key(e) {
		if (!this.points || e.ctrlKey || e.metaKey || e.altKey) return;
		let { frame: t } = this.board, [n, r] = F(t, ...this.at), [i, a] = q[e.key] ?? [0, 0];
		if (i || a) {
			let o = e.shiftKey ? W.fine : W.coarse, s = (e, t, n) => Math.min(t + n, Math.max(t, e));
			this.rest(), this.under.caption.setAttribute("aria-live", "polite");
			let c = s(n + i * o, t.left, t.width);
			this.look(I(t, c, s(r + a * o, t.top, t.height)));
		} else if (e.key === "Enter" && this.tool === "Path") this.first < 0 ? this.first = this.near : this.reach(this.near), this.board.hover();
		else if (e.key === "Enter") this.choose([this.near]);
		else if (e.key === "+" || e.key === "-") this.board.turn(R(t, e.key === "+" ? 1.25 : .8, n, r));
		else if (e.key === "0") this.board.reset();
		else if (e.key === "Escape") this.leave();
		else return;
		e.preventDefault();
	}
	hit(e) {
		let [t, n] = F(this.board.frame, ...this.at), [r, i] = this.board.at(this.near);
		return Math.hypot(r - t, i - n) <= (e ? U.touch : U.mouse) ? this.near : -1;
	}
	choose(e) {
		this.chosen = new Set(e), this.redraw(), this.host.tell("selected", {
			of: this.data.key,
			rows: this.choices.send(e),
			at: performance.now()
		});
	}
	look(e) {
		this.at = e, this.board.above.dataset.at = e.join(" "), this.near = et(this.points.coords, this.board.frame, ...e), this.decode(), this.board.hover();
	}
	mean(e) {
		let { dim: t } = this.data.model;
		return this.points.means.subarray(e * t, (e + 1) * t);
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
		let { basis: e } = this.points;
		return e ? this.residual.checked ? rt(e, this.mean(this.near), this.place(this.near), ...this.at) : nt(e, ...this.at) : this.mean(this.near);
	}
	decode() {
		if (!this.points || this.near < 0) return;
		this.picture(this.under, this.here(), this.weights(this.near));
		let { axes: e, linear: t } = this.data, [n, r] = this.at, [i, a] = this.place(this.near), o = e.map((e, t) => `${e.split(" ")[0]} ${J(this.at[t])}`).join(", "), s = `distance ${J(Math.hypot(i - n, a - r))} on the map`;
		t ? this.under.label(`Under the pointer: ${o}`) : this.under.label(`Nearest point: ${this.name(this.near)}, ${this.price(this.near)}`), this.remark(t ? "" : K), this.beside.figure.style.visibility = "", t && this.shown !== this.near && (this.shown = this.near, this.picture(this.beside, this.mean(this.near), this.weights(this.near))), this.beside.label(`Nearest point: ${this.name(this.near)}, ${s}, ${this.price(this.near)}`);
	}
	remark(e) {
		this.note.textContent = e, this.note.hidden = e === "";
	}
	picture(e, t, n) {
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
		e < 0 || this.first < 0 || e === this.first || (this.ends = [this.first, e], this.first = -1, this.walked = 0, this.path.hidden = !1, matchMedia("(prefers-reduced-motion: reduce)").matches ? this.step() : this.go());
	}
	go() {
		this.play.textContent = "Pause", this.loop.start();
	}
	rest() {
		this.loop.stop(), this.play.textContent = "Play";
	}
	leave() {
		this.rest(), this.ends = null, this.first = -1, this.path.hidden = !0, this.decode(), this.board.hover();
	}
	walk(e) {
		this.walked = (this.walked + e / mt) % 2, this.step();
	}
	step() {
		let [t, n] = this.ends, r = this.walked > 1 ? 2 - this.walked : this.walked;
		this.picture(this.under, e(this.mean(t), this.mean(n), r), e(this.weights(t), this.weights(n), r)), this.under.label(`${Math.round(100 * r)} % of the way from ${this.name(t)} to ${this.name(n)}`), this.remark(this.data.linear ? "" : _t), this.beside.figure.style.visibility = "hidden", this.share.value = String(r), this.share.style.setProperty("--filled", `${100 * r}%`), this.board.hover();
	}
	over(e) {
		if (!this.points || this.near < 0) return;
		let t = this.board.style("--st-primary-color"), n = (n, r = !1) => {
			e.beginPath(), n.forEach(([t, n], r) => r ? e.lineTo(t, n) : e.moveTo(t, n)), r && e.closePath(), e.lineWidth = 3, e.strokeStyle = t, e.stroke();
		}, { frame: r } = this.board, i = F(r, ...this.at), { gesture: a } = this;
		a?.moved && (a.tool === "Box" || a.tool === "Lasso") ? n((a.tool === "Box" ? B(a.trail[0], a.trail.at(-1)) : a.trail).map((e) => F(r, ...e)), !0) : (this.first >= 0 && (a?.moved || this.tool === "Path") ? (n([this.board.at(this.first), i]), this.board.front(e, this.first, t)) : this.ends && this.way(e, this.ends, n, t), this.loop.running || this.cross(e, i));
	}
	way(e, t, n, r) {
		let [i, a] = t.map((e) => this.board.at(e));
		e.setLineDash(this.data.linear ? [] : [7, 6]), n([i, a]), e.setLineDash([]);
		for (let n of t) this.board.front(e, n, r);
		let o = this.walked > 1 ? 2 - this.walked : this.walked;
		e.beginPath(), e.arc(i[0] + o * (a[0] - i[0]), i[1] + o * (a[1] - i[1]), 8, 0, 2 * Math.PI), e.fillStyle = r, e.fill(), e.lineWidth = 2, e.strokeStyle = "white", e.stroke();
	}
	cross(e, [t, n]) {
		let [r, i] = this.board.at(this.near);
		e.lineWidth = 1.5, e.strokeStyle = this.board.style("--st-text-color"), e.beginPath(), e.moveTo(r, i), e.lineTo(t, n), e.stroke(), this.board.front(e, this.near), e.beginPath();
		for (let [r, i] of Object.values(q)) e.moveTo(t + 5 * r, n + 5 * i), e.lineTo(t + 13 * r, n + 13 * i);
		e.lineWidth = 2, e.stroke();
	}
	fit() {
		if (!this.data) return;
		this.board.fit();
		let e = this.host.root.clientWidth <= gt, t = this.under.figure.parentElement.clientWidth;
		this.under.fit(e ? t / 2 : t, ht), this.beside.fit(e ? t / 6 : G, G);
	}
	dispose() {
		this.rest(), this.wanted = "", this.board.dispose();
		for (let e of [this.under, this.beside]) this.host.engine.cancel(e), e.dispose();
	}
}, yt = 1 / 4, Y = .02, bt = 3, xt = 150, St = 64, Ct = 120, wt = {
	ArrowLeft: [-1, 0],
	ArrowRight: [1, 0],
	ArrowUp: [0, -1],
	ArrowDown: [0, 1]
}, Tt = class {
	host;
	now = new _();
	button = f("button", {
		type: "button",
		title: "Walk slowly from corner to corner, and back"
	}, "Play");
	middle = f("button", {
		type: "button",
		title: "All corners weigh the same; or double-click"
	}, "Centre");
	handle = f("div", { className: "handle" });
	plane = f("div", {
		className: "plane",
		tabIndex: 0,
		role: "slider",
		"aria-label": "Place in the pad",
		"aria-valuemin": 0,
		"aria-valuemax": 1
	}, f("div", { className: "ground" }), this.handle);
	frame = f("div", { className: "frame" });
	pad = f("div", { className: "pad" }, f("div", { className: "seen" }, this.now.figure, f("div", { className: "tools" }, this.button, this.middle)), this.frame);
	echo = new v(() => this.host.settled);
	loop = new h((e) => this.plays(e));
	report = m(() => this.host.tell("at", this.echo.send(this.place())));
	found = [];
	data = null;
	at = [.5, .5];
	stops = [];
	walked = 0;
	constructor(e) {
		this.host = e, e.root.replaceChildren(this.pad), this.button.onclick = () => this.toggle(), this.middle.onclick = () => this.put(i(this.count)), this.plane.ondblclick = () => this.put(i(this.count)), this.plane.onkeydown = (e) => this.press(e), this.drag();
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
		}), this.now.label(e.caption), i && this.build(), (n || i) && (this.rest(!1), this.at = e.at), r && this.host.engine.load(e.model.decoder), t && this.decodeCorners(), (t || n || i) && this.draw();
	}
	build() {
		let [, e, t] = this.data.model.shape;
		this.found = this.data.names.map((r, i) => {
			let a = new _();
			a.arrange({
				width: t,
				height: e
			});
			let o = f("span"), s = f("button", {
				type: "button",
				className: `corner ${r.toLowerCase()}`,
				title: `Go to ${r}`
			}, f("span", { className: "share" }, f("b", {}, r), o), a.canvas);
			return a.label("", `Picture ${r} decoded`), s.onclick = () => this.put(n(this.count)[i]), {
				screen: a,
				weight: o,
				box: s
			};
		}), this.frame.className = `frame ${this.count === 3 ? "three" : "four"}`, this.frame.replaceChildren(this.plane, ...this.found.map(({ box: e }) => e));
	}
	drag() {
		let e = ({ clientX: e, clientY: t }) => {
			let { left: n, top: r, width: i, height: a } = this.plane.getBoundingClientRect();
			this.go([(e - n) / i, (t - r) / a]);
		};
		this.plane.onpointerdown = (t) => {
			t.button === 0 && (this.plane.setPointerCapture(t.pointerId), e(t));
		}, this.plane.onpointermove = (t) => this.plane.hasPointerCapture(t.pointerId) && e(t), this.plane.onlostpointercapture = () => this.report.later();
	}
	press(e) {
		let t = wt[e.key];
		if (e.key !== " " && t === void 0) return;
		if (e.preventDefault(), t === void 0) return this.toggle();
		let n = e.shiftKey ? 5 * Y : Y;
		this.go([this.at[0] + n * t[0], this.at[1] + n * t[1]]), this.report.later();
	}
	go(e) {
		this.rest(!1), this.report.cancel(), this.at = a(e, this.count), this.draw();
	}
	put(e) {
		this.go(e), this.report.now();
	}
	toggle() {
		if (this.loop.running) return this.rest();
		this.report.cancel();
		let [e, t, r, i] = n(this.count);
		this.stops = [
			this.at,
			e,
			t,
			...i ? [i] : [],
			r
		], this.walked = 0, this.button.textContent = "Pause", this.loop.start();
	}
	plays(e) {
		this.walked += e * yt, this.at = s(this.stops, this.walked), this.draw();
	}
	rest(e = !0) {
		this.loop.running && (this.loop.stop(), this.button.textContent = "Play", e && this.report.now());
	}
	place() {
		return [Number(this.at[0].toFixed(bt)), Number(this.at[1].toFixed(bt))];
	}
	draw() {
		let { model: e, names: t, corners: n, classes: i } = this.data, [a, s] = this.place(), c = r([a, s], t.length);
		Object.assign(this.handle.style, {
			left: `${100 * a}%`,
			top: `${100 * s}%`
		});
		let l = c.map((e) => Math.abs(e).toFixed(2));
		this.found.forEach(({ weight: e }, t) => e.textContent = l[t]), this.plane.setAttribute("aria-valuenow", String(a)), this.plane.setAttribute("aria-valuetext", t.map((e, t) => `${e} ${l[t]}`).join(", "));
		let u = performance.now();
		this.host.engine.decode(this, {
			model: e,
			z: o(n, c),
			y: i ? o(i, c) : void 0,
			rows: 1,
			onPixels: (e) => this.now.draw(e, 0, 1, u)
		});
	}
	decodeCorners() {
		let { model: e, corners: t, classes: n } = this.data;
		this.host.engine.decode(this.frame, {
			model: e,
			z: Float32Array.from(t.flat()),
			y: n ? Float32Array.from(n.flat()) : void 0,
			rows: t.length,
			onPixels: (e, t, n) => {
				let r = e.length / n;
				for (let i = 0; i < n; i++) this.found[t + i]?.screen.draw(e.subarray(i * r, (i + 1) * r));
			}
		});
	}
	finish() {
		this.rest(), this.report.flush();
	}
	fit() {
		if (!this.data) return;
		let e = this.pad.clientWidth, t = window.innerHeight * this.data.share;
		this.now.fit(e - xt, t);
		let n = Math.max(Ct, Math.min(e - 144, t));
		Object.assign(this.plane.style, {
			width: `${n}px`,
			height: `${n}px`
		});
		for (let { screen: e } of this.found) e.fit(St, St);
	}
	dispose() {
		this.loop.stop(), this.report.cancel(), this.host.engine.cancel(this), this.host.engine.cancel(this.frame);
		for (let e of [this.now, ...this.found.map(({ screen: e }) => e)]) e.dispose();
	}
}, Et = 3, Dt = .02, Ot = 3, kt = 24, At = 120, jt = {
	ArrowLeft: -.02,
	ArrowDown: -.02,
	ArrowRight: Dt,
	ArrowUp: Dt
}, Mt = class {
	host;
	decoded = new _();
	mixed = new _();
	screens = f("div", { className: "screens" }, this.decoded.figure, this.mixed.figure);
	button = f("button", {
		type: "button",
		title: "There and back; with Shift, backwards first"
	}, "Play");
	slider = f("input", {
		className: "place",
		type: "range",
		min: 0,
		max: 1,
		step: 10 ** -3
	});
	output = f("output");
	echo = new v(() => this.host.settled);
	loop = new h((e) => this.plays(e));
	report = m(() => this.host.tell("t", this.echo.send(this.time())));
	data = null;
	ends = null;
	t = 0;
	direction = 1;
	constructor(e) {
		this.host = e;
		let t = f("div", {
			className: "ends",
			"aria-hidden": "true"
		}, f("span", {}, "A"), f("span", {}, "B")), n = f("div", { className: "bar" }, this.button, this.slider, this.output, t);
		e.root.replaceChildren(f("div", { className: "path" }, this.screens, n)), this.button.onclick = ({ shiftKey: e }) => this.toggle(e), this.slider.oninput = () => this.go(Number(this.slider.value)), this.slider.onchange = () => this.report.later(), this.slider.onkeydown = (e) => this.press(e);
		for (let { canvas: e } of [this.decoded, this.mixed]) this.scrub(e);
	}
	show(e) {
		let t = this.data?.about !== e.about, n = this.echo.isNews(e.t), r = this.data?.model.key !== e.model.key;
		this.data = e;
		let [, i, a] = e.model.shape;
		for (let e of [this.decoded, this.mixed]) e.arrange({
			width: a,
			height: i
		});
		this.decoded.label(e.captions[0]), this.mixed.label(e.captions[1]), this.mixed.figure.hidden = !e.fade, this.slider.setAttribute("aria-label", e.label), n && (this.rest(!1), this.t = e.t), t && (this.ends = null, this.read(e)), r && this.host.engine.load(e.model.decoder), (t || n) && this.draw();
	}
	async read(e) {
		let t = await Promise.all(e.pictures.map((t) => Nt(t, e.model.shape)));
		this.data?.about === e.about && (this.ends = [t[0], t[1]], this.mix());
	}
	scrub(e) {
		let t = (t) => this.go(t.offsetX / e.clientWidth);
		e.onpointerdown = (n) => {
			n.button === 0 && (e.setPointerCapture(n.pointerId), t(n));
		}, e.onpointermove = (n) => e.hasPointerCapture(n.pointerId) && t(n), e.onlostpointercapture = () => this.report.later();
	}
	press(e) {
		let t = jt[e.key];
		if (e.key === " " || t !== void 0) {
			if (e.preventDefault(), t === void 0) return this.toggle(e.shiftKey);
			this.go(this.time() + t), this.report.later();
		}
	}
	go(e) {
		this.rest(!1), this.report.cancel(), this.t = Math.min(1, Math.max(0, e)), this.draw();
	}
	toggle(e) {
		if (this.loop.running) return this.rest();
		this.report.cancel(), this.direction = e || this.t >= 1 ? -1 : 1, this.button.textContent = "Pause", this.loop.start();
	}
	plays(e) {
		let t = this.t + this.direction * e / Et;
		(t <= 0 || t >= 1) && (this.direction = t <= 0 ? 1 : -1), this.t = Math.min(1, Math.max(0, t)), this.draw();
	}
	rest(e = !0) {
		this.loop.running && (this.loop.stop(), this.button.textContent = "Play", e && this.report.now());
	}
	time() {
		return Number(this.t.toFixed(Ot));
	}
	draw() {
		let n = this.time();
		this.slider.value = String(n), this.slider.setAttribute("aria-valuetext", `${n.toFixed(2)} of the way from A to B`), this.output.textContent = `t = ${n.toFixed(2)}`, this.mix();
		let { model: r, a: i, b: a, classes: o, path: s } = this.data, c = performance.now();
		this.host.engine.decode(this, {
			model: r,
			z: s === "spherical" ? t(i, a, n) : e(i, a, n),
			y: o ? e(...o, n) : void 0,
			rows: 1,
			onPixels: (e) => this.decoded.draw(e, 0, 1, c)
		});
	}
	mix() {
		this.ends && !this.mixed.figure.hidden && this.mixed.draw(new Uint8ClampedArray(e(...this.ends, this.time())));
	}
	finish() {
		this.rest(), this.report.flush();
	}
	fit() {
		if (!this.data) return;
		let e = this.data.fade ? 2 : 1, t = this.screens.clientWidth, n = (t - kt * (e - 1)) / e, r = window.innerHeight * this.data.share;
		for (let e of [this.decoded, this.mixed]) e.fit(n >= At ? n : t, r);
	}
	dispose() {
		this.loop.stop(), this.report.cancel(), this.host.engine.cancel(this);
		for (let e of [this.decoded, this.mixed]) e.dispose();
	}
};
async function Nt(e, [, t, n]) {
	let r = new Image();
	r.src = e, await r.decode();
	let i = f("canvas", {
		width: n,
		height: t
	}).getContext("2d", { willReadFrequently: !0 });
	return i.drawImage(r, 0, 0), i.getImageData(0, 0, n, t).data;
}
// src/views/traverse.ts
var X = .01, Pt = .1, Ft = 6, It = .6, Lt = 120;
function Rt(e, t, n) {
	let r = Float32Array.from(e);
	for (let e of t) {
		let t = n.get(e.key);
		t !== void 0 && t !== e.start && (e.direction === null ? r[e.index] = t : e.direction.forEach((n, i) => r[i] += (t - e.at) * n));
	}
	return r;
}
// src/main.ts
var zt = {
	compare: ce,
	draw: Re,
	grid: Ye,
	map: vt,
	pad: Tt,
	path: Mt,
	traverse: class {
		host;
		now = new _();
		before = new _();
		screens = f("div", { className: "screens" }, this.now.figure, this.before.figure);
		heading = f("p", { className: "heading" });
		filter = f("input", {
			type: "search",
			placeholder: "Find",
			"aria-label": "Find a slider by its name"
		});
		order = f("select", { "aria-label": "Order of the sliders" }, ...["By KL", "By name"].map((e) => f("option", { value: e }, e)));
		breath = f("select", { "aria-label": "What breathes" });
		breathe = f("button", {
			type: "button",
			title: "Walk slowly through the range, there and back"
		}, "Breathe");
		list = f("div", { className: "list" });
		fold = f("details", { className: "fold" });
		none = f("p", {
			className: "none",
			hidden: !0
		}, "No slider has this name.");
		box = f("div", { className: "sliders" }, this.list, this.fold, this.none);
		places = /* @__PURE__ */ new Map();
		changed = /* @__PURE__ */ new Map();
		echo = new v(() => this.host.settled);
		loop = new h((e) => this.breathes(e));
		report = m(() => {
			this.echo.send(this.moved()), this.host.tell("places", Object.fromEntries(this.changed));
		});
		rows = /* @__PURE__ */ new Map();
		data = null;
		phase = 0;
		waves = [];
		constructor(e) {
			this.host = e;
			let t = f("div", { className: "tools" }, this.breathe, this.breath), n = f("div", { className: "tools" }, this.filter, this.order);
			e.root.replaceChildren(f("div", { className: "traverse" }, f("div", { className: "stage" }, this.screens, t), f("div", { className: "side" }, this.heading, n, this.box))), this.filter.oninput = () => this.arrange(), this.order.onchange = () => {
				this.arrange(), this.host.tell("order", this.order.selectedIndex === 1);
			}, this.breathe.onclick = () => this.loop.running ? this.rest() : this.wake();
		}
		show(e) {
			let t = this.data?.about !== e.about, n = this.echo.isNews(e.places) || t, r = this.data === null || this.data.model.key !== e.model.key;
			this.data = e, (this.host.settled || t) && this.changed.clear();
			let [, i, a] = e.model.shape;
			for (let e of [this.now, this.before]) e.arrange({
				width: a,
				height: i
			});
			if (this.now.label(e.captions[0], "The picture decoded where the sliders stand"), this.before.label(e.captions[1]), this.before.load(e.picture), this.heading.textContent = e.heading, r && (this.order.selectedIndex = Number(e.byName)), t && this.build(), n) {
				this.rest(!1), this.places.clear();
				for (let [t, n] of Object.entries(e.places)) this.places.set(t, n);
				this.rows.forEach((e) => this.place(e));
			}
			r && this.host.engine.load(e.model.decoder), (n || r) && this.decode();
		}
		build() {
			let { slides: e, folded: t } = this.data;
			this.rows = new Map(e.map((e) => [e.key, this.row(e)]));
			let n = e.filter(({ active: e }) => !e).length;
			this.list.replaceChildren(), this.fold.replaceChildren(f("summary", {}, `${n} collapsed dimension${n > 1 ? "s" : ""}`), f("p", {}, t));
			let r = e.some(({ kl: e }) => e !== null);
			this.order.options[0].textContent = r ? "By KL" : "By spread";
			let i = e.filter(({ active: e }) => e).map(({ key: e }) => e);
			this.breath.replaceChildren(...["all", ...i].map((e) => f("option", { value: e }, e === "all" ? "all dimensions" : e))), this.breathe.disabled = i.length === 0, this.fold.open = i.length === 0;
			let a = e.length < 5;
			this.filter.hidden = this.order.hidden = a, this.arrange();
		}
		row(e) {
			let t = {
				min: e.low,
				max: e.high,
				step: X
			}, n = f("input", {
				type: "range",
				...t,
				"aria-label": `${e.key}${e.note}`
			}), r = f("input", {
				type: "number",
				...t,
				"aria-label": `Value of ${e.key}`
			}), i = f("div", { className: "slide" }, f("span", {
				className: "name",
				title: "Double-click to put it back"
			}, e.key, f("small", {}, e.note)), r, n), a = {
				slide: e,
				box: i,
				range: n,
				number: r
			};
			return n.oninput = () => this.move(a, Number(n.value)), n.onchange = () => this.report.later(), n.onwheel = (e) => {
				n.matches(":focus") && (e.preventDefault(), this.move(a, Number(n.value) - Math.sign(e.deltaY) * Pt), this.report.later());
			}, r.onchange = () => {
				let t = Number(r.value);
				this.move(a, r.value !== "" && Number.isFinite(t) ? t : e.start), this.place(a), this.report.now();
			}, i.ondblclick = (t) => {
				t.target !== r && (this.move(a, e.start), this.report.now());
			}, a;
		}
		arrange() {
			let e = this.filter.hidden ? "" : this.filter.value.trim().toLowerCase(), t = [...this.rows.values()];
			!this.order.hidden && this.order.selectedIndex === 1 && t.sort((e, t) => e.slide.key.localeCompare(t.slide.key, "en", { numeric: !0 })), this.box.style.minHeight = e ? `${this.box.getBoundingClientRect().height}px` : "";
			for (let n of t) n.box.hidden = !n.slide.key.toLowerCase().includes(e), (n.slide.active ? this.list : this.fold).append(n.box);
			let n = t.filter(({ box: e }) => !e.hidden), r = n.filter(({ slide: e }) => !e.active).length;
			this.fold.hidden = r === 0, e && r && (this.fold.open = !0), this.none.hidden = n.length > 0;
		}
		move(e, t) {
			this.rest(!1), this.set(e, t), this.decode();
		}
		set(e, t) {
			let { key: n, low: r, high: i, start: a } = e.slide, o = Math.round(Math.min(i, Math.max(r, t)) / X) * X;
			Math.abs(o - a) < X / 2 ? this.places.delete(n) : this.places.set(n, Number(o.toFixed(2))), this.changed.set(n, this.places.get(n) ?? null), this.place(e);
		}
		place(e) {
			let t = this.places.get(e.slide.key) ?? e.slide.start;
			e.range.value = String(t), document.activeElement !== e.number && (e.number.value = t.toFixed(2));
			let n = 100 * (t - e.slide.low) / (e.slide.high - e.slide.low);
			e.range.style.setProperty("--filled", `${n}%`), e.box.classList.toggle("moved", this.places.has(e.slide.key));
		}
		moved() {
			return Object.fromEntries([...this.places].sort(([e], [t]) => e < t ? -1 : 1));
		}
		decode() {
			let { model: e, start: t, slides: n, y: r } = this.data, i = performance.now();
			this.host.engine.decode(this, {
				model: e,
				z: Rt(t, n, this.places),
				y: r === null ? void 0 : Float32Array.from(r),
				rows: 1,
				onPixels: (e) => this.now.draw(e, 0, 1, i)
			});
		}
		wake() {
			this.breathe.textContent = "Stop", this.phase = 0;
			let e = this.breath.value === "all", t = [...this.rows.values()].filter(({ slide: t }) => e ? t.active : t.key === this.breath.value);
			this.waves = t.map((t, n) => {
				let { low: r, high: i, key: a, start: o } = t.slide, s = 2 * ((this.places.get(a) ?? o) - r) / (i - r) - 1, c = e ? Math.max(It, Math.abs(s)) : 1;
				return {
					row: t,
					far: c,
					offset: Math.asin(Math.min(1, Math.max(-1, s / c))),
					pace: e ? .5 + n * .618 % 1 : 1
				};
			}), this.loop.start();
		}
		rest(e = !0) {
			this.loop.running && (this.loop.stop(), this.breathe.textContent = "Breathe", e && this.report.now());
		}
		breathes(e) {
			this.phase += e / Ft * 2 * Math.PI;
			for (let { row: e, far: t, offset: n, pace: r } of this.waves) {
				let { low: i, high: a } = e.slide;
				this.set(e, (i + a) / 2 + t * Math.sin(this.phase * r + n) * (a - i) / 2);
			}
			this.decode();
		}
		finish() {
			this.rest(), this.report.flush();
		}
		fit() {
			if (!this.data) return;
			let e = this.screens.clientWidth, t = (e - 24) / 2 >= Lt ? (e - 24) / 2 : e;
			for (let e of [this.now, this.before]) e.fit(t, window.innerHeight * this.data.share);
		}
		dispose() {
			this.loop.stop(), this.report.cancel(), this.host.engine.cancel(this);
			for (let e of [this.now, this.before]) e.dispose();
		}
	}
}, Z = /* @__PURE__ */ new WeakMap(), Q = 0, $ = 0;
function Bt({ data: e, parentElement: t, setStateValue: n, setTriggerValue: r }) {
	e.attempt > Q && Ke(), Q = Math.max(Q, e.attempt);
	let i = (e, t) => r("failed", {
		reason: e,
		file: t
	}), a = Z.get(t);
	if (a?.name !== e.view) {
		a?.dispose();
		try {
			a = Vt(e.view, t, Ge(e.runtime));
		} catch (e) {
			i(e instanceof Error ? e.message : String(e), "");
			return;
		}
		Z.set(t, a);
	}
	let { host: o } = a;
	Object.assign(o, {
		tell: (e, t) => {
			o.last = $ = Math.max($ + 1, Date.now()), o.settled = !1, n(e, {
				value: t,
				count: $
			});
		},
		fail: i,
		data: e,
		settled: e.told >= o.last
	}), a.view.show(e), a.view.fit();
	let s = e.model ? [e.model] : (e.columns ?? []).map(({ model: e }) => e);
	return a.loading.watch(s.map(({ decoder: e }) => e)), a.dispose;
}
function Vt(e, t, n) {
	let r = t.querySelector(".live");
	r.dataset.view = e, r.replaceChildren();
	let i = () => void 0, a = {
		root: r,
		engine: n,
		tell: i,
		fail: i,
		settled: !0,
		data: null,
		last: 0
	}, o = new zt[e](a), s = new Ze(r, n), c = new ResizeObserver(() => o.fit());
	c.observe(r);
	let l = () => o.fit();
	window.addEventListener("resize", l);
	let u = n.onFailure((e, t) => {
		(t === "" || JSON.stringify(a.data).includes(t.split("/").at(-1))) && a.fail(e, t);
	}), d = (e) => {
		e.composedPath().includes(r) || o.finish?.();
	}, f = ["pointerdown", "keydown"];
	for (let e of f) window.addEventListener(e, d, !0);
	let p = () => {
		let { tell: e } = a;
		a.tell = i, o.finish?.(), a.tell = e;
	};
	return window.addEventListener("popstate", p, !0), {
		name: e,
		host: a,
		view: o,
		loading: s,
		dispose: () => {
			c.disconnect();
			for (let e of f) window.removeEventListener(e, d, !0);
			window.removeEventListener("popstate", p, !0), window.removeEventListener("resize", l), u(), s.dispose(), o.dispose(), Z.delete(t);
		}
	};
}
export { Bt as default };
