"""`legato serve`: one engine for many listeners, over HTTP, WebSocket and WebRTC."""
