# mmpose 0.x, narrow
model = dict(
    type="DisentangledKeypointRegressor",
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
    keypoint_head=dict(
        type="DEKRHead",
        in_channels=(8, 16, 32, 64),
        in_index=(0, 1, 2, 3),
        input_transform="resize_concat",
        num_joints=17,
        num_heatmap_filters=8,
        num_offset_filters_per_joint=5,
        heatmap_loss=dict(type="KeypointMSELoss", use_target_weight=True),
        offset_loss=dict(type="SoftWeightSmoothL1Loss", use_target_weight=True),
    ),
    test_cfg=dict(flip_test=True, nms_dist_thr=0.05),
)
data_cfg = dict(image_size=128, num_joints=17)
