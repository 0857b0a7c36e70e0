"""What RLlib learns, held to baselines."""
