"""The frame around every page: title, icon, list of pages, and the few things that the theme cannot say."""

import streamlit as st
from PIL import Image, ImageOps

from pages.widgets import A, B
from pages.widgets.shell import garbage, models, steps, uploads, url_state

# Narrower margins leave the pictures two thirds of more; a plot's axes are as dark as the text; what only watches the
# browser's history takes no room; letters on teal are white where the text around is dark, and black where it is light;
# code in a caption is as dark as its words; a page's name shows that it has the focus. Where Streamlit hides the pages
# behind a button, on a phone, their names stand in a row that can be scrolled.
_STYLE = """<style>
[data-testid=stMainBlockContainer] { padding-left: clamp(1rem, 3vw, 3rem); padding-right: clamp(1rem, 3vw, 3rem); }
[data-testid=stLayoutWrapper]:has(> .st-key-browser_history) { display: none; }
.js-plotly-plot :is(.xtick, .ytick, .g-xtitle, .g-ytitle, .cbaxis, .cbtitle) text { fill: currentColor !important; }
:is(button[kind^=primary]:enabled, [data-testid=stMultiSelect] [data-tag]) {
    color: lch(from currentColor calc((50 - l) * infinity) 0 0) !important;
}
@media (min-width: 768px) { [data-testid=stLayoutWrapper]:has(> .st-key-pages) { display: none; } }
@media (max-width: 767px) {
    .st-key-pages { flex-wrap: nowrap; overflow-x: auto; margin: -0.25rem 0; padding: 0.25rem 0; }
    .st-key-pages > div { flex: none; width: auto; }
    .st-key-pages a { padding: 0.5rem 0.25rem; }
    .st-key-pages p { font-size: 0.8rem; }
}
[data-testid=stCaptionContainer] code { opacity: 1 !important; color: inherit !important; }
:is([data-testid=stTopNavLink], [data-testid=stSidebarNavLink], .st-key-pages a):focus-visible { outline: 2px solid; }
</style>"""

garbage.spare_imports()

# Drawn here: a named icon would be fetched from a stranger's server.
icon = ImageOps.colorize(Image.linear_gradient("L").rotate(90), A, B).resize((32, 32))

st.set_page_config(page_title="VAE explorer", page_icon=icon, layout="wide", initial_sidebar_state=240)
st.html(_STYLE)
pages = [
    st.Page("home.py", title="Home", default=True),
    st.Page("sample.py", title="Sample"),
    st.Page("interpolate.py", title="Interpolate"),
    st.Page("traverse.py", title="Traverse"),
    st.Page("draw.py", title="Draw"),
    st.Page("map.py", title="Map"),
    st.Page("compare.py", title="Compare"),
]
page = st.navigation(pages, position="top")
with st.container(key="pages", horizontal=True, gap=None):
    for each in pages:
        st.page_link(each)
steps.watch()
steps.follow()
url_state.begin(page.url_path)
notice = st.empty()
try:
    page.run()
    url_state.end()
finally:  # a page that stops early has used what it shows, too
    if gone := uploads.trim():
        notice.info(models.plain(gone))
