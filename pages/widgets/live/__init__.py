"""The live view: decoders run in the browser and follow the hand; the server hears of it on release.

One component shows every view; `src/` holds its TypeScript, `built/` what Vite makes of it, `runtime/` the
onnxruntime-web that it runs. Where a model cannot be exported, or a browser cannot run it, the server decodes for the
same views.
"""
