"""Tests, as packages: those of the gate use the contracts to show that these can fail."""
