"""The guide's pictures with a layer's own numbers (Dumoulin and Visin, chapters 2 to 5), as SVG.

``layout`` says as data what there is to see on each axis; ``grid`` draws small windows cell by cell and moves the
kernel over them, ``scale`` draws one axis of a large one to scale. SVG is made with ElementTree, which escapes.
"""

from shapecheck.figures.figure import Figure
from shapecheck.figures.layout import Axis, NoFigure, axes_of

__all__ = ["Axis", "Figure", "NoFigure", "axes_of"]
