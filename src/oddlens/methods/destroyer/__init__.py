"""The Destroyer: paints badly predicted regions away, the second stage of "Making Anomalies More Anomalous"."""
