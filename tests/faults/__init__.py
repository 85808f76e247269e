"""Faults in transfers: broken connections, cancellation at every await, closing, forking, kill."""
