"""Everything about learners: the states they pass, the rules that hold them back, the steps, and the ends."""
