"""People in pictures and films to points, heatmaps and in/out; gaze models as ONNX."""
