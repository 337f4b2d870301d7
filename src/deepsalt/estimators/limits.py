"""What a model must not be used for, in sentences that follow from what it is."""

from __future__ import annotations


def limits_of(
    *, of_pixels: bool, label: str, simulated: bool, leaks: bool, errors: bool, places: bool
) -> tuple[str, ...]:
    """The limits of a model, the gravest first.

    of_pixels   reads satellite pixels, not laboratory spectra
    label       what it answers: "ECe", "EC1:5"
    leaks       learned from held-out rows
    errors      knows its own errors, so that it has intervals
    places      an answer depends on where its pixel lies
    """
    told = {
        "Not for real land: it learned from simulated data, which say nothing of real soil.": simulated,
        "Not by its metrics: rows that were to be held out were learned from.": leaks,
        "Not for decisions of law or credit about a field without ground truth of that field.": True,
        "Not for land unlike that which it learned from: answers there may be far off.": True,
        "Not for the root zone: optics sees the top millimetres, on the day of the scene.": of_pixels,
        "Not for pixels under plants, water, cloud or shadow: they are masked, not free of salt.": of_pixels,
        "Not for satellite pixels: it reads dry, ground soil in a laboratory.": not of_pixels,
        "Not for rock salt by itself: halite has no band between 400 and 2500 nm, and shows only "
        "through water, brightness and structure.": of_pixels,
        "Not for gypsum as salinity: it shows strongly, and cannot raise ECe beyond about 2-2.5 dS/m.": True,
        f"Not as ECe: it answers {label}, and the two must not be compared.": label != "ECe",
        "Not where an error must be known: it has no intervals.": of_pixels and not errors,
        "Not for land far from its samples by the same map: answers near them were moved by them.": places,
    }
    return tuple(sentence for sentence, holds in told.items() if holds)
