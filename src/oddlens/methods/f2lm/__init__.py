"""F2LM: frames predicted by way of imitated motion and labels, the generator of "Making Anomalies More Anomalous"."""
