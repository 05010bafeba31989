"""What part a layer plays in a network: what rules ask of it instead of its name."""

from __future__ import annotations

from enum import Flag, auto


class Role(Flag):
    """The parts that a layer may play; each layer class declares its own."""

    NONE = 0
    # A fixed or learned function of each element that is not linear.
    ACTIVATION = auto()
    # An activation that drops about half of what it is given: first values behind it need twice the variance.
    RECTIFIER = auto()
    # Subtracts a mean, or divides by a spread, of the values around.
    NORMALISATION = auto()
    # A normalisation that subtracts the mean of each channel, and with it whatever was added to the channel.
    CENTRES_CHANNELS = auto()
    # Its statistics in training are of the batch at hand, and are kept for use after training.
    KEEPS_STATISTICS = auto()
    # Joins maps of one shape, element by element or channel after channel.
    MERGE = auto()
    # Slides a window over its input, and is no transposed convolution.
    SLIDES = auto()
    # A learned linear map of channels or features, with or without a bias.
    LEARNED_MAP = auto()
    # Its outputs are shares that sum to 1, or their logarithms.
    PROBABILITIES = auto()
    # Reads scores (logits), which losses want in place of what comes out of it.
    READS_LOGITS = auto()
    # Draws random numbers in training.
    RANDOM = auto()
    # Gives back what it is given once training is over.
    TRANSPARENT = auto()
    # Hands on the numbers that it is given: as they are, the largest of several, or each channel scaled as a whole.
    RELAYS = auto()
    # Output element j stands where input element j stood and is made of it, with statistics or without.
    POINTWISE = auto()
    # Reads whole numbers alone, as places in a table; what comes out are the numbers of the table.
    LOOKS_UP = auto()
    # Leaves maps, with spatial axes that mean space.
    MAP = auto()
