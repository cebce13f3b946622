"""Starts and stops a real OpenStack made of Debian's packages, as plain processes."""
