"""Heat colours, timelines, overlay videos, figures, tables and the HTML report."""
