"""What every room stands on: messages, whole files, random numbers, scripts."""
