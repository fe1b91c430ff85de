"""The parts of a sync answer. Each knows only "all" and "since", and takes many rooms at once; both kinds of sync read the same parts."""
