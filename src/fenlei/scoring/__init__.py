"""Label whole files with a trained model: in windows, in flat memory, and so that a killed run can be gone on with."""
