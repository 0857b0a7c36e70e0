"""What must hold without any training."""
