
—{"code": 400, "type": "RequestError", "message": "the image is not a readable JPEG: cannot identify image file <_io.BytesIO object at 0x7f703fc6a430>"}