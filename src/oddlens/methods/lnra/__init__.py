"""LNRA: Learning Not to Reconstruct Anomalies (BMVC 2021)."""
