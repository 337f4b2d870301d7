"""How good is a prediction? Metrics, and the protocol that asks every method the same questions."""
