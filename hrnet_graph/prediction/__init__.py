"""From an image to what people look at: classes, keypoints, regions, boxes, and their pictures."""

from hrnet_graph.extras import require

require("torch", "a prediction")
