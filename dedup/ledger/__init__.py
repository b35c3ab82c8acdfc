"""What a run has removed, what is left of the documents, and where it was read: the books that passes are kept in."""
