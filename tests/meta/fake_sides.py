"""A side of a comparison whose trials nobody trained."""

from fixtures.training.spec import TrialFailed, TrialSpec

__all__ = ["FakeSide"]


class FakeSide:
    """Stands in for what trains a side.

    Args:
        record: returns the record of a TrialSpec, or None where it fails.
        by_machine: whether the machine is to blame then.
    """

    def __init__(self, record, by_machine=False):
        self.record = record
        self.by_machine = by_machine
        self.trained = {}
        self.tried = set()

    def request(self, backend, variant, seed):
        """Name a trial."""
        return TrialSpec(backend, variant, seed)

    def finished(self, spec):
        """Return the record of what was trained."""
        return self.trained.get(spec)

    def has_ended(self, spec):
        """Whether a trial was obtained, or tried in vain."""
        return spec in self.tried

    def obtain(self, spec, others=tuple):
        """Return the record of a trial; it is trained once."""
        if spec in self.trained:
            return self.trained[spec]
        self.tried.add(spec)
        record = self.record(spec)
        if record is None:
            raise TrialFailed("out of luck", self.by_machine)
        self.trained[spec] = record
        return record

    def seeds(self, variant):
        """Return the seeds of a variant that were trained, ascending."""
        return sorted(spec.seed for spec in self.trained if spec.variant == variant)
