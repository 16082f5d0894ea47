"""The public contract: event types, the envelope around them, JSON Schemas and upcasters. Imports nothing of ours."""
