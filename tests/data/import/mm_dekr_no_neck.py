# mmpose 1.x, narrow
model = dict(
    type="BottomupPoseEstimator",
    data_preprocessor=dict(
        type="PoseDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(
        type="HRNet",
        in_channels=3,
        extra=dict(
            stage1=dict(num_modules=1, num_branches=1, block="BOTTLENECK", num_blocks=(4,), num_channels=(64,)),
            stage2=dict(num_modules=1, num_branches=2, block="BASIC", num_blocks=(1, 1), num_channels=(8, 16)),
            stage3=dict(num_modules=1, num_branches=3, block="BASIC", num_blocks=(1, 1, 1), num_channels=(8, 16, 32)),
            stage4=dict(
                num_modules=1,
                num_branches=4,
                block="BASIC",
                num_blocks=(1, 1, 1, 1),
                num_channels=(8, 16, 32, 64),
                multiscale_output=True,
            ),
        ),
    ),
    head=dict(
        type="DEKRHead",
        in_channels=120,
        num_keypoints=17,
        num_heatmap_filters=8,
        num_displacement_filters_per_keypoint=5,
        heatmap_loss=dict(type="KeypointMSELoss", use_target_weight=True),
        displacement_loss=dict(type="SoftWeightSmoothL1Loss", use_target_weight=True),
        decoder=dict(type="SPR", input_size=(128, 128), heatmap_size=(32, 32), sigma=(4, 2)),
        rescore_cfg=dict(in_channels=74, norm_indexes=(5, 6)),
    ),
    test_cfg=dict(flip_test=True, nms_dist_thr=0.05),
)
dataset_type = "CocoDataset"
