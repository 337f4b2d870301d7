"""What happens to spectra between reading and learning: resampling and masks."""
