"""The stages of a run: prepare, train, evaluate, map. They call the rooms below and keep the run folder."""
