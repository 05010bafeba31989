"""The sanity report: one page that opens anywhere, and what a notebook shows.

Data comes first (``data``, ``tree``, ``findings``, ``strips``), then Jinja2 templates, which escape everything; styles
and scripts are files in ``static``. All of it is put into the page, whose content security policy allows no request.

The graph is laid out in the page by @dagrejs/dagre 3.1.3 (MIT, 49 KB, no dependencies; ``static/dagre.min.js``, its
licence beside it; ours differs in one line, the link to its source map, which is gone). Folding changes the graph, so
the layout has to run where the reader is. elkjs is a 1.5 MB translation of Java under the EPL, most of the 2 MB that a
page may have; grandalf and fast-sugiyama lay out in Python, once, and could not follow a reader who unfolds a block.
Layout stays fast because the page never shows more than a few hundred boxes: blocks, repeats and long runs of layers
begin folded.
"""

from shapecheck.report.data import page_data
from shapecheck.report.page import layer_table, network_summary, page

__all__ = ["layer_table", "network_summary", "page", "page_data"]
