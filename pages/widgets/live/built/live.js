// src/worker.ts?worker&inline
var e = "function e(e,t,n){let r=e.length/(t*n),i=new Uint8ClampedArray(r*n*4),[a,o]=t===3?[n,2*n]:[0,0];for(let s=0,c=0,l=0;s<r;s++,c+=t*n)for(let t=c;t<c+n;t++,l+=4)i[l]=e[t]*255,i[l+1]=e[t+a]*255,i[l+2]=e[t+o]*255,i[l+3]=255;return i}const t=self,n=/* @__PURE__ */ new Map;let r;const i=(e,n=[])=>t.postMessage(e,n);async function a(e){let t=await import(\n/* @vite-ignore */\n`${e}ort.wasm.min.mjs`);return t.env.wasm.numThreads=1,t.env.wasm.wasmPaths=e,t.env.logLevel=`error`,t}function o(e){let t=n.get(e)??s(e);n.delete(e),n.set(e,t);for(let[e,t]of n){if(n.size<=12)break;n.delete(e),t.then(({session:e})=>e.release()).catch(()=>void 0)}return t}async function s(e){try{let[t,n]=await Promise.all([r,fetch(e)]);if(!n.ok)throw Error(`the decoder is not to be had (${n.status})`);return{session:await t.InferenceSession.create(new Uint8Array(await n.arrayBuffer())),inputs:/* @__PURE__ */ new Map}}catch(t){throw n.delete(e),t}}async function c(t){let[n,{session:a,inputs:s}]=await Promise.all([r,o(t.url)]),c={};for(let e of a.inputNames){let r=t.feeds[e],i=s.get(e);i?.size!==r.length&&(i=new n.Tensor(`float32`,new Float32Array(r.length),[t.rows,...t.shapes[e]]),s.set(e,i)),i.data.set(r),c[e]=i}let l=await a.run(c);if(t.pictures){let n=l[a.outputNames[0]],r=e(n.data,n.dims[1],n.dims[2]*n.dims[3]);i({kind:`pixels`,id:t.id,pixels:r},[r.buffer])}else{let e=a.outputNames.map(e=>[e,l[e].data.slice()]);i({kind:`numbers`,id:t.id,outputs:Object.fromEntries(e)},e.map(([,e])=>e.buffer))}}t.onmessage=async({data:e})=>{try{e.kind===`begin`?await(r=a(e.runtime)):e.kind===`run`?await c(e):(await o(e.url),i({kind:`loaded`,url:e.url}))}catch(t){let n=t instanceof Error?t.message:String(t);i({kind:`failed`,id:e.kind===`run`?e.id:null,url:e.kind===`begin`?null:e.url,reason:n})}};", t = typeof self < "u" && self.Blob && new Blob(["URL.revokeObjectURL(import.meta.url);", e], { type: "text/javascript;charset=utf-8" });
function n(n) {
	let r;
	try {
		if (r = t && (self.URL || self.webkitURL).createObjectURL(t), !r) throw "";
		let e = new Worker(r, {
			type: "module",
			name: n?.name
		});
		return e.addEventListener("error", () => {
			(self.URL || self.webkitURL).revokeObjectURL(r);
		}), e;
	} catch {
		return new Worker("data:text/javascript;charset=utf-8," + encodeURIComponent(e), {
			type: "module",
			name: n?.name
		});
	}
}
// src/engine.ts
var r = 16384, i = class {
	worker;
	id = 0;
	busy = !1;
	broken = null;
	lanes = /* @__PURE__ */ new Map();
	others = [];
	waiting = /* @__PURE__ */ new Map();
	failures = /* @__PURE__ */ new Set();
	constructor(e) {
		this.worker = e, e.onmessage = ({ data: e }) => this.heard(e), e.onerror = (e) => this.fail(e.message || "the worker could not be started");
	}
	onFailure(e) {
		return this.broken !== null && e(this.broken), this.failures.add(e), () => this.failures.delete(e);
	}
	load(e) {
		this.worker.postMessage({
			kind: "load",
			url: a(e)
		});
	}
	decode(e, t) {
		if (this.broken !== null) return;
		let n = this.lanes.get(e);
		n && n.row > 0 ? n.newer = t : this.lanes.set(e, {
			wish: t,
			row: 0,
			newer: null
		}), this.pump();
	}
	encode(e, t, n = 1) {
		return new Promise((r, i) => {
			if (this.broken !== null || !e.encoder) return i(Error(this.broken ?? "there is no encoder"));
			let o = {
				url: a(e.encoder),
				rows: n,
				feeds: { x: t },
				shapes: { x: e.shape },
				pictures: !1
			};
			this.others.push({
				ask: o,
				answer: (e) => e.kind === "numbers" ? r(e.outputs) : i(Error(e.kind === "failed" ? e.reason : "no numbers came"))
			}), this.pump();
		});
	}
	cancel(e) {
		this.lanes.delete(e);
	}
	pump() {
		if (this.busy || this.broken !== null) return;
		let e = this.others.shift();
		if (e) return this.post(e.ask, e.answer);
		let [t] = this.lanes;
		if (!t) return;
		let [n, i] = t, { wish: o, row: s } = i, { model: c, z: l, y: u, rows: d } = o, [f, p, m] = c.shape, h = Math.min(d - s, Math.max(1, Math.floor(r / (f * p * m))));
		this.lanes.delete(n), s + h < d ? this.lanes.set(n, {
			...i,
			row: s + h
		}) : i.newer && this.lanes.set(n, {
			wish: i.newer,
			row: 0,
			newer: null
		});
		let g = { z: l.slice(s * c.dim, (s + h) * c.dim) };
		c.classes && u && (g.y = u.slice(s * c.classes, (s + h) * c.classes));
		let _ = {
			z: [c.dim],
			y: [c.classes]
		};
		this.post({
			url: a(c.decoder),
			rows: h,
			feeds: g,
			shapes: _,
			pictures: !0
		}, (e) => {
			if (e.kind === "failed") return this.tell(e.reason);
			e.kind === "pixels" && (o.onPixels(e.pixels, s, h), s + h >= d && o.onDone?.());
		});
	}
	post(e, t) {
		let n = ++this.id;
		this.busy = !0, this.waiting.set(n, t), this.worker.postMessage({
			kind: "run",
			id: n,
			...e
		});
	}
	heard(e) {
		if (e.kind === "loaded") return;
		if (e.kind === "failed" && e.id === null) return e.url === null ? this.fail(e.reason) : this.tell(e.reason);
		let t = e.id, n = this.waiting.get(t);
		this.waiting.delete(t), this.busy = !1, n?.(e), this.pump();
	}
	fail(e) {
		this.broken = e, this.tell(e);
	}
	tell(e) {
		this.lanes.clear();
		for (let t of this.failures) t(e);
	}
}, a = (e) => new URL(e, document.baseURI).href, o = null;
function s(e) {
	if (o?.runtime === e) return o.engine;
	if (typeof WebAssembly != "object" || typeof Worker != "function") throw Error("this browser has no WebAssembly");
	let t = new n();
	return o = {
		runtime: e,
		engine: new i(t)
	}, t.postMessage({
		kind: "begin",
		runtime: a(e)
	}), o.engine;
}
function c() {
	o = null;
}
// src/dom.ts
function l(e, t = {}, ...n) {
	let r = document.createElement(e);
	for (let [e, n] of Object.entries(t)) e.includes("-") || e === "role" || e === "for" ? r.setAttribute(e, String(n)) : r[e] = n;
	return r.append(...n.filter((e) => e !== null)), r;
}
function u(e, t = 250) {
	let n = 0, r = () => clearTimeout(n);
	return {
		now: () => (r(), e()),
		cancel: r,
		later: () => (r(), n = window.setTimeout(e, t))
	};
}
var d = class {
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
}, f = 32, p = "rgb(128 128 128)", m = class {
	canvas = l("canvas", { role: "img" });
	caption = l("figcaption");
	figure = l("figure", {}, this.canvas, this.caption);
	context = this.canvas.getContext("2d", { willReadFrequently: !1 });
	layout = {
		width: 1,
		height: 1,
		columns: 1,
		count: 1,
		gutter: 0
	};
	parts = /* @__PURE__ */ new Map();
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
		}, [n, r] = h(t);
		this.layout = t, (this.canvas.width !== n || this.canvas.height !== r) && (Object.assign(this.canvas, {
			width: n,
			height: r
		}), this.clear());
	}
	clear() {
		this.parts.clear(), this.context.fillStyle = p, this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
	}
	draw(e, t = 0, n = 1, r = performance.now()) {
		if (this.parts.set(t, {
			pixels: e,
			count: n,
			asked: r
		}), this.request) return;
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
		t.src = e, await t.decode(), this.context.drawImage(t, 0, 0);
	}
	fit(e, t) {
		let { width: n, height: r } = this.canvas, i = window.devicePixelRatio || 1, a = Math.min(Math.floor(Math.min(e / n, t / r) * i), f * i), o = a >= i ? a / i : Math.min(1, e / n);
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
function h({ width: e, height: t, columns: n, count: r, gutter: i }) {
	return [n * (e + i) + i, Math.ceil(r / n) * (t + i) + i];
}
// src/view.ts
var g = class {
	sent = [];
	last = "";
	send(e) {
		return this.sent.push(JSON.stringify(e)), e;
	}
	isNews(e) {
		let t = JSON.stringify(e), n = this.sent.indexOf(t);
		n >= 0 && this.sent.splice(0, n + 1);
		let r = n >= 0 || t === this.last;
		return this.last = t, !r;
	}
}, _ = .01;
function v(e, t, n, r) {
	let i = new Float32Array(n), a = t * 2 * n;
	for (let t = 0; t < n; t++) i[t] = e[a + t] + r * e[a + n + t];
	return i;
}
var y = class {
	host;
	screen = new m();
	rows = l("div", { className: "rows" });
	below = l("div", { className: "below" });
	mark = l("span", {
		className: "mark",
		hidden: !0
	});
	heat = l("input", {
		type: "range",
		min: "0",
		step: String(_),
		"aria-label": "Temperature"
	});
	heatNumber = l("input", {
		type: "number",
		min: "0",
		step: "0.05",
		"aria-label": "Value of the temperature"
	});
	heatNote = l("small");
	seed = l("input", {
		type: "range",
		step: "1",
		"aria-label": "Seed"
	});
	seedNumber = l("input", {
		type: "number",
		min: "0",
		step: "1",
		"aria-label": "Value of the seed"
	});
	draw = l("button", { type: "button" }, "New draw");
	seedRow = l("div", { className: "knob" }, l("span", {}, "Seed"), this.seed, this.seedNumber, this.draw);
	echo = new g();
	report = u(() => this.host.tell("knobs", this.echo.send({
		temperature: this.at,
		seed: this.of
	})));
	data = null;
	points = null;
	route = "";
	at = 1;
	of = 0;
	constructor(e) {
		this.host = e;
		let t = l("div", { className: "knob" }, l("span", {}, "Temperature"), this.heat, this.heatNumber, this.heatNote);
		e.root.replaceChildren(l("div", { className: "grid" }, l("div", { className: "knobs" }, t, this.seedRow), this.rows, l("div", { className: "field" }, this.screen.canvas, this.mark), this.below)), this.heat.oninput = () => this.turn(Number(this.heat.value), this.of), this.seed.oninput = () => this.turn(this.at, Number(this.seed.value)), this.heat.onchange = this.seed.onchange = () => this.report.later(), this.heatNumber.onchange = () => this.type(Number(this.heatNumber.value || 1), this.of), this.seedNumber.onchange = () => this.type(this.at, Number(this.seedNumber.value || 0)), this.draw.onclick = () => this.type(this.at, this.of >= this.data.last ? 0 : this.of + 1), this.screen.canvas.onclick = (e) => {
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
		}), this.screen.label("", e.alt), this.heat.max = this.heatNumber.max = String(e.hottest), Object.assign(this.seed, {
			min: String(e.first),
			max: String(e.first + e.seeds - 1)
		}), this.seedNumber.max = String(e.last), this.seedRow.hidden = !e.seeded, this.heatNote.textContent = e.moves ? "" : "The pictures follow when it is let go: this prior is drawn step by step.", this.labels(), this.knobs(), this.route === e.points ? this.decode() : this.fetch(e.points);
	}
	async fetch(e) {
		this.route = e;
		try {
			let t = await fetch(a(e));
			if (!t.ok) throw Error(`the draws are not to be had (${t.status})`);
			let n = new Float32Array(await t.arrayBuffer());
			if (this.route !== e) return;
			this.points = n, this.decode();
		} catch (e) {
			this.host.fail(e instanceof Error ? e.message : String(e));
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
		let { model: e, count: t, first: n, seeds: r, y: i } = this.data, a = this.of - n;
		if (!this.points || a < 0 || a >= r) return;
		let o = performance.now();
		this.host.engine.decode(this, {
			model: e,
			z: v(this.points, a, t * e.dim, this.at),
			y: i === null ? void 0 : Float32Array.from(i),
			rows: t,
			onPixels: (e, t, n) => this.screen.draw(e, t, n, o)
		});
	}
	labels() {
		let { rows: e, chosen: t, columns: n, count: r, model: i, gutter: a } = this.data;
		this.data.edge === null && this.rows.replaceChildren(...e.map((e) => l("span", { title: e }, e))), this.mark.hidden = t < 0 || t >= r;
		let [, o, s] = i.shape, c = n * (s + a) + a, u = Math.ceil(r / n) * (o + a) + a;
		Object.assign(this.mark.style, {
			left: `${100 * (t % n * (s + a) + a) / c}%`,
			top: `${100 * (Math.floor(t / n) * (o + a) + a) / u}%`,
			width: `${100 * s / c}%`,
			height: `${100 * o / u}%`
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
		].map((e) => l("span", {}, e))), this.below.replaceChildren(...[
			`-${t}`,
			"z0 →",
			t
		].map((e) => l("span", {}, e)));
	}
	fit() {
		if (!this.data) return;
		let e = this.host.root.clientWidth - this.rows.offsetWidth - 2;
		this.screen.fit(e, window.innerHeight * this.data.share), this.below.style.width = this.screen.canvas.style.width;
	}
	dispose() {
		this.report.cancel(), this.host.engine.cancel(this), this.screen.dispose(), this.route = "";
	}
}, b = .01, x = .1, S = 6, C = 120;
function w(e, t, n) {
	let r = Float32Array.from(e);
	for (let e of t) {
		let t = n.get(e.key);
		t !== void 0 && t !== e.start && (e.direction === null ? r[e.index] = t : e.direction.forEach((n, i) => r[i] += (t - e.at) * n));
	}
	return r;
}
// src/main.ts
var T = {
	grid: y,
	traverse: class {
		host;
		now = new m();
		before = new m();
		screens = l("div", { className: "screens" }, this.now.figure, this.before.figure);
		heading = l("p", { className: "heading" });
		filter = l("input", {
			type: "search",
			placeholder: "Find",
			"aria-label": "Find a slider by its name"
		});
		order = l("select", { "aria-label": "Order of the sliders" }, ...["By KL", "By name"].map((e) => l("option", { value: e }, e)));
		breath = l("select", { "aria-label": "What breathes" });
		breathe = l("button", {
			type: "button",
			title: "Walk slowly through the range, there and back"
		}, "Breathe");
		list = l("div", { className: "list" });
		fold = l("details", { className: "fold" });
		none = l("p", {
			className: "none",
			hidden: !0
		}, "No slider has this name.");
		box = l("div", { className: "sliders" }, this.list, this.fold, this.none);
		places = /* @__PURE__ */ new Map();
		echo = new g();
		loop = new d((e) => this.breathes(e));
		report = u(() => this.host.tell("places", this.echo.send(this.moved())));
		rows = /* @__PURE__ */ new Map();
		data = null;
		phase = 0;
		constructor(e) {
			this.host = e;
			let t = l("div", { className: "tools" }, this.breathe, this.breath), n = l("div", { className: "tools" }, this.filter, this.order);
			e.root.replaceChildren(l("div", { className: "traverse" }, l("div", { className: "stage" }, this.screens, t), l("div", { className: "side" }, this.heading, n, this.box))), this.filter.oninput = () => this.arrange(), this.order.onchange = () => this.arrange(), this.breathe.onclick = () => this.loop.running ? this.rest() : this.wake();
		}
		show(e) {
			let t = this.data?.about !== e.about, n = this.echo.isNews(e.places) || t, r = this.data === null || this.data.model.key !== e.model.key;
			this.data = e;
			let [, i, a] = e.model.shape;
			for (let e of [this.now, this.before]) e.arrange({
				width: a,
				height: i
			});
			if (this.now.label(e.captions[0], "The picture decoded where the sliders stand"), this.before.label(e.captions[1]), this.before.load(e.picture), this.heading.textContent = e.heading, t && this.build(), n) {
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
			this.fold.replaceChildren(l("summary", {}, `${n} collapsed dimension${n > 1 ? "s" : ""}`), l("p", {}, t));
			let r = e.some(({ kl: e }) => e !== null);
			this.order.options[0].textContent = r ? "By KL" : "By spread";
			let i = e.filter(({ active: e }) => e).map(({ key: e }) => e);
			this.breath.replaceChildren(...["all", ...i].map((e) => l("option", { value: e }, e === "all" ? "all dimensions" : e)));
			let a = e.length < 5;
			this.filter.hidden = this.order.hidden = a, this.arrange();
		}
		row(e) {
			let t = {
				min: e.low,
				max: e.high,
				step: b
			}, n = l("input", {
				type: "range",
				...t,
				"aria-label": `${e.key}${e.note}`
			}), r = l("input", {
				type: "number",
				...t,
				"aria-label": `Value of ${e.key}`
			}), i = l("div", { className: "slide" }, l("span", {
				className: "name",
				title: "Double-click to put it back"
			}, e.key, l("small", {}, e.note)), r, n), a = {
				slide: e,
				box: i,
				range: n,
				number: r
			};
			return n.oninput = () => this.move(a, Number(n.value)), n.onchange = () => this.report.later(), n.onwheel = (e) => {
				n.matches(":focus") && (e.preventDefault(), this.move(a, Number(n.value) - Math.sign(e.deltaY) * x), this.report.later());
			}, r.onchange = () => {
				let t = Number(r.value);
				this.move(a, r.value !== "" && Number.isFinite(t) ? t : e.start), this.place(a), this.report.now();
			}, i.ondblclick = (t) => {
				t.target !== r && (this.move(a, e.start), this.report.now());
			}, a;
		}
		arrange() {
			let e = this.filter.hidden ? "" : this.filter.value.trim().toLowerCase(), t = [...this.rows.values()];
			!this.order.hidden && this.order.selectedIndex === 1 && t.sort((e, t) => e.slide.key.localeCompare(t.slide.key, "en", { numeric: !0 }));
			for (let n of t) n.box.hidden = !n.slide.key.toLowerCase().includes(e), (n.slide.active ? this.list : this.fold).append(n.box);
			let n = t.filter(({ box: e }) => !e.hidden), r = n.filter(({ slide: e }) => !e.active).length;
			this.fold.hidden = r === 0, e && r && (this.fold.open = !0), this.none.hidden = n.length > 0;
		}
		move(e, t) {
			this.rest(!1), this.set(e, t), this.decode();
		}
		set(e, t) {
			let { key: n, low: r, high: i, start: a } = e.slide, o = Math.round(Math.min(i, Math.max(r, t)) / b) * b;
			Math.abs(o - a) < b / 2 ? this.places.delete(n) : this.places.set(n, Number(o.toFixed(2))), this.place(e);
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
				z: w(t, n, this.places),
				y: r === null ? void 0 : Float32Array.from(r),
				rows: 1,
				onPixels: (e) => this.now.draw(e, 0, 1, i)
			});
		}
		wake() {
			this.breathe.textContent = "Stop", this.phase = 0, this.loop.start();
		}
		rest(e = !0) {
			this.loop.running && (this.loop.stop(), this.breathe.textContent = "Breathe", e && this.report.now());
		}
		breathes(e) {
			this.phase += e / S * 2 * Math.PI;
			let t = this.breath.value === "all";
			[...this.rows.values()].filter(({ slide: e }) => t ? e.active : e.key === this.breath.value).forEach((e, n) => {
				let { low: r, high: i } = e.slide, a = t ? .6 * Math.sin(this.phase * (.5 + n * .618 % 1) + n) : Math.sin(this.phase);
				this.set(e, (r + i) / 2 + a * (i - r) / 2);
			}), this.decode();
		}
		fit() {
			if (!this.data) return;
			let e = this.screens.clientWidth, t = (e - 24) / 2 >= C ? (e - 24) / 2 : e;
			for (let e of [this.now, this.before]) e.fit(t, window.innerHeight * this.data.share);
		}
		dispose() {
			this.loop.stop(), this.report.cancel(), this.host.engine.cancel(this);
			for (let e of [this.now, this.before]) e.dispose();
		}
	}
}, E = /* @__PURE__ */ new WeakMap(), D = 0;
function O({ data: e, parentElement: t, setStateValue: n, setTriggerValue: r }) {
	e.attempt > D && c(), D = Math.max(D, e.attempt);
	let i = (e, t) => n(e, t), a = (e) => r("failed", e), o = E.get(t);
	if (o?.name !== e.view) {
		o?.dispose();
		try {
			o = k(e.view, t, s(e.runtime));
		} catch (e) {
			a(e instanceof Error ? e.message : String(e));
			return;
		}
		E.set(t, o);
	}
	return Object.assign(o.host, {
		tell: i,
		fail: a
	}), o.view.show(e), o.view.fit(), o.dispose;
}
function k(e, t, n) {
	let r = t.querySelector(".live");
	r.replaceChildren();
	let i = {
		root: r,
		engine: n,
		tell: () => void 0,
		fail: () => void 0
	}, a = new T[e](i), o = new ResizeObserver(() => a.fit());
	o.observe(r);
	let s = () => a.fit();
	window.addEventListener("resize", s);
	let c = n.onFailure((e) => i.fail(e));
	return {
		name: e,
		host: i,
		view: a,
		dispose: () => {
			o.disconnect(), window.removeEventListener("resize", s), c(), a.dispose(), E.delete(t);
		}
	};
}
export { O as default };
