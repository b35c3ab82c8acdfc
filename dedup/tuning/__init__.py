"""Recall and precision of a grain on a user's own data, and the setting that they speak for."""
