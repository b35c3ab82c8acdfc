"""What a person in a terminal sees and types: options, screens, colours, progress, exit codes."""
