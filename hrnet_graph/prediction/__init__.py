"""From an image to what people look at: classes, keypoints, regions, boxes, and their pictures."""
