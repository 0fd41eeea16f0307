"""The only package that connects outward, reads secrets and asks the time.

Everything above it hands out asks (``hybridge.wire.ask``) and gets answers as values; ``answerers`` holds who answers.
"""
