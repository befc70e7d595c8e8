"""What is asked of `s2s.audio` about files of ours."""
