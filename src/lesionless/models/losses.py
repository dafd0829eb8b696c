"""The terms of Eq. 2 and Eq. 3, each a function of tensors."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

OVERLAP_PIXELS = 20.0


def reconstruction(x: Tensor, x_hat: Tensor) -> Float[Tensor, ""]:
    """Return ||x - x_hat||_1: the sum over pixels, the mean over the batch.

    Source: Baur et al. 2018, Eq. 2, first term; the reduction is ours, docs/paper.md#reductions.
    """
    return (x.float() - x_hat.float()).abs().flatten(1).sum(1).mean()


def prior(mean: Tensor, log_variance: Tensor) -> Float[Tensor, ""]:
    """Return KL(N(mean, variance) || N(0, I)) in nats: the sum over z, the mean over the batch.

    Source: Baur et al. 2018, Eq. 2, second term; closed form of Kingma and Welling 2013, App. B.
    """
    mean, log_variance = mean.float(), log_variance.float()
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    return kl.flatten(1).sum(1).mean()


def adversarial(logit_hat: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Return -log Dis(x_hat), the mean over the batch, from the logits of x_hat.

    Source: Baur et al. 2018, Eq. 2, third term.
    """
    return softplus(-logit_hat.float()).mean()


def discrimination(
    logit: Float[Tensor, " batch"], logit_hat: Float[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """Return -log Dis(x) - log(1 - Dis(x_hat)), the mean over the batch, from logits.

    Source: Baur et al. 2018, Eq. 3.
    """
    return softplus(-logit.float()).mean() + softplus(logit_hat.float()).mean()


def accuracy(
    logit: Float[Tensor, " batch"], logit_hat: Float[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """Return the share of slices that the discriminator tells rightly; 0.5 is a guess."""
    return 0.5 * ((logit > 0).float().mean() + (logit_hat <= 0).float().mean())


def overlap(
    probability: Float[Tensor, "batch 1 row column"], lesion: Float[Tensor, "batch 1 row column"]
) -> Float[Tensor, ""]:
    """Return 1 - Dice of probabilities and lesions, the mean over the batch.

    Both sides of the fraction are raised by `OVERLAP_PIXELS`, so that a slice without lesions is
    judged by how much is found in it.

    Source: Milletari et al. 2016, Sec. 3, without squares.
    """
    both = (probability * lesion).flatten(1).sum(1)
    either = (probability + lesion).flatten(1).sum(1)
    return (1 - (2 * both + OVERLAP_PIXELS) / (either + OVERLAP_PIXELS)).mean()
