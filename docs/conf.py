"""How the documents are built: ``make docs``. Nothing is fetched."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from consilience import __version__

project = "Consilience"
author = "The Consilience authors"
project_copyright = "The Consilience authors, Apache-2.0"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "living"]
exclude_patterns = ["_build", "_ext"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

default_role = "literal"
smartquotes = False  # messages stand here as they are printed
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_custom_sections = ["Shape"]
python_use_unqualified_type_names = True
add_module_names = False

html_theme = "furo"
html_title = f"Consilience {__version__}"
html_static_path = ["_static"]
html_css_files = ["page.css"]
html_show_sphinx = False
html_copy_source = False
pygments_style = "tango"
pygments_dark_style = "github-dark"
