#!/usr/bin/env bash
# Draws the README's pictures, one a task. The weights are random; Kaiming's initialisation instead
# of the published one lets random networks of every task answer with more than one class or place.
set -euo pipefail
cd "$(dirname "$0")/.."
photo=examples/astronaut.jpg
run() {
  .venv/bin/hrnet-graph predict "$1" "$photo" --seed 0 -o "docs/figures/predict_$2.jpg" "${@:3}"
}
run hrnet_w18_cls classification
run hrnet_w32_pose_256x192 pose --set init.conv=kaiming
run hrnetv2_w48_ocr_cityscapes segmentation --input 256x256 --set init.conv=kaiming
run hrnetv2_w18_landmark_wflw landmarks --set init.conv=kaiming
run higherhrnet_w32_512 bottom_up --set init.conv=kaiming
run hrnetv2p_w18 detection --input 512x512 --threshold 0.0112 --set init.conv=normal --set init.std=0.03
rm -f docs/figures/*.labels.png docs/figures/*.colours.png
