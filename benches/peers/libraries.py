"""The operations of each library, with the parameters of `cargo bench --bench operations`: what operations.py measures.

Each function gives the library's own form of a photo and its operations by our names: functions of one photo in that form, or a `Batch`.
"""

import functools
import io
import itertools

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from photos import LEVELS, MEAN, RATIO, SCALE, SIZE, STD, box

JITTER = (0.8, 1.2)
ANGLE, SIGMA, NOISE, HUE = 15, 1.0, 0.05, 0.1
MOVED = {"translate_percent": (-0.1, 0.1), "scale": (0.8, 1.25)}
ERASED = {"scale": (0.02, 0.33), "ratio": (0.3, 3.3)}
PADDED, SHORTER, LONGER, FILL = 50, 256, 200, 114
ROWS, CLASSES = 64, 10  # of a batch
BOXES = [[0.1, 0.2, 0.5, 0.7], [0.4, 0.3, 0.9, 0.8], [0.6, 0.1, 0.7, 0.25]]  # corners, as shares of width and height


class Batch:
    """An operation on rows: `prepare` makes them of the photos, which is not timed, and `run` works on all of them."""

    def __init__(self, prepare, run):
        self.prepare, self.run = prepare, run

    @classmethod
    def one_by_one(cls, prepare, operation):
        def run(rows):
            for at in range(len(rows)):
                operation(rows, at)

        return cls(prepare, run)


def batch(images):
    """As many as a batch has, the same ones again where there are fewer."""
    return itertools.islice(itertools.cycle(images), ROWS)


def rim(width, height):
    """Left, top, right and bottom of a square around a picture in its middle."""
    left, top = (SIZE - width) // 2, (SIZE - height) // 2
    return left, top, SIZE - width - left, SIZE - height - top


def albumentations():
    import albumentations as A
    import cv2

    cv2.setNumThreads(1)

    def one(*transforms):
        transform = A.Compose(transforms)
        return lambda image: transform(image=image)["image"]

    @functools.cache
    def jittered(height, width):
        scale = A.RandomScale((-0.9, 1.0), area_for_downscale="image", p=1)
        return one(scale, A.RandomCrop(height, width, pad_if_needed=True, pad_position="random"))

    def letterbox(longer):
        return one(A.LongestMaxSize(longer, interpolation=area), A.PadIfNeeded(SIZE, SIZE, fill=FILL))

    def squares(images):
        return [cv2.resize(image, (SIZE, SIZE), interpolation=area) for image in batch(images)]

    def tiled(rows, at):
        mosaic(image=rows[at], mosaic_metadata=[{"image": rows[(at + other) % ROWS]} for other in (1, 2, 3)])

    def pasted(rows, at):
        left, top, right, bottom = (round(SIZE * share) for share in BOXES[at % len(BOXES)])
        overlay(image=rows[at], overlay_metadata={"image": rows[(at + 1) % ROWS][top:bottom, left:right]})

    def jitter(**factors):
        still = {"brightness": (1, 1), "contrast": (1, 1), "saturation": (1, 1), "hue": (0, 0)}
        return one(A.ColorJitter(**still | factors, p=1))

    area = cv2.INTER_AREA  # OpenCV's antialiased way to make an image smaller
    crop, normalize = one(A.CenterCrop(SIZE, SIZE)), one(A.Normalize(MEAN, STD))
    random_crop = one(A.RandomCrop(SIZE, SIZE))
    resize_crop = one(A.SmallestMaxSize(SHORTER, interpolation=area), A.CenterCrop(SIZE, SIZE))
    tiles = {"target_size": (SIZE, SIZE), "cell_shape": (SIZE, SIZE), "center_range": (0.3, 0.7), "interpolation": area}
    mosaic, overlay = A.Compose([A.Mosaic(**tiles, p=1)]), A.Compose([A.OverlayElements(p=1)])
    return np.asarray, {
        "horizontal_flip": one(A.HorizontalFlip(p=1)),
        "center_crop": lambda image: np.ascontiguousarray(crop(image)),
        "resize": one(A.Resize(SIZE, SIZE, interpolation=area)),
        "random_resized_crop": one(A.RandomResizedCrop((SIZE, SIZE), SCALE, RATIO, interpolation=area)),
        "rotate": one(A.Rotate((ANGLE, ANGLE), border_mode=cv2.BORDER_CONSTANT, p=1)),
        "affine": one(A.Affine(rotate=(-ANGLE, ANGLE), shear={"x": (-10, 10), "y": 0}, **MOVED, p=1)),
        "brightness": jitter(brightness=JITTER),
        "contrast": jitter(contrast=JITTER),
        "saturation": jitter(saturation=JITTER),
        "color_jitter": jitter(brightness=JITTER, contrast=JITTER, saturation=JITTER),
        "gaussian_blur": one(A.GaussianBlur(blur_limit=(5, 5), sigma_limit=(SIGMA, SIGMA), p=1)),
        "gaussian_noise": one(A.GaussNoise(std_range=(NOISE, NOISE), p=1)),
        "normalize": lambda image: np.ascontiguousarray(normalize(image).transpose(2, 0, 1)),
        "random_erasing": one(A.Erasing(**ERASED, p=1)),
        "hue": jitter(hue=(-HUE, HUE)),
        "gamma": one(A.RandomGamma((80, 120), p=1)),
        "grayscale": one(A.ToGray(p=1)),
        "invert": one(A.InvertImg(p=1)),
        "posterize": one(A.Posterize(4, p=1)),
        "solarize": one(A.Solarize((0.5, 0.5), p=1)),
        "autocontrast": one(A.AutoContrast(p=1)),
        "equalize": one(A.Equalize(mode="pil", p=1)),
        "clahe": one(A.CLAHE((4, 4), p=1)),
        "channel_permutation": one(A.ChannelShuffle(p=1)),
        "sharpness": one(A.Sharpen((0.5, 0.5), p=1)),
        "box_blur": one(A.Blur((5, 5), p=1)),
        "motion_blur": one(A.MotionBlur((7, 7), allow_shifted=False, direction_range=(0, 0), p=1)),
        "shot_noise": one(A.ShotNoise((0.1, 0.1), p=1)),
        "salt_and_pepper": one(A.SaltAndPepper((0.03, 0.03), p=1)),
        "jpeg": one(A.ImageCompression(quality_range=(75, 75), p=1)),
        "simulate_low_resolution": one(
            A.Downscale((0.5, 0.5), interpolation_pair={"downscale": area, "upscale": cv2.INTER_LINEAR}, p=1)
        ),
        "coarse_dropout": one(A.CoarseDropout((2, 2), (0.1, 0.2), (0.1, 0.2), p=1)),
        "grid_dropout": one(A.GridDropout(0.5, random_offset=False, p=1)),
        "resize_center_crop": lambda image: np.ascontiguousarray(resize_crop(image)),
        "vertical_flip": one(A.VerticalFlip(p=1)),
        "transpose": one(A.Transpose(p=1)),
        "scale": one(A.Affine(scale=(0.8, 1.25), p=1)),
        "shear": one(A.Affine(shear={"x": (-10, 10), "y": (-10, 10)}, p=1)),
        "translate": one(A.Affine(translate_percent=(-0.1, 0.1), p=1)),
        "perspective": one(A.Perspective(scale=(0.125, 0.125), p=1)),
        "elastic_transform": one(A.ElasticTransform(25, 5, noise_distribution="uniform", p=1)),
        "pad": one(A.Pad(PADDED)),
        "random_crop": lambda image: np.ascontiguousarray(random_crop(image)),
        "scale_jitter": lambda image: np.ascontiguousarray(jittered(*image.shape[:2])(image)),
        "zoom_out": one(A.CropAndPad(percent=(0.0, 1.5), interpolation=area, p=1)),
        "letterbox": letterbox(SIZE),
        "resize_letterbox": letterbox(LONGER),
        "mosaic": Batch.one_by_one(squares, tiled),
        "copy_paste": Batch.one_by_one(squares, pasted),
    }


def torchvision():
    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import InterpolationMode, v2

    torch.set_num_threads(1)
    bilinear, crop, random_crop = InterpolationMode.BILINEAR, v2.CenterCrop(SIZE), v2.RandomCrop(SIZE)
    resize_crop, zoom_out = v2.Compose([v2.Resize(SHORTER, antialias=True), crop]), v2.RandomZoomOut(p=1)
    square = v2.Resize((SIZE, SIZE), antialias=True)
    crop_boxes = v2.Compose([v2.RandomIoUCrop(), square, v2.SanitizeBoundingBoxes()])
    labels = torch.arange(ROWS) % CLASSES

    @functools.cache
    def jittered(height, width):
        jitter = v2.ScaleJitter((height, width), (0.1, 2.0), antialias=True)
        return v2.Compose([jitter, v2.RandomCrop((height, width), pad_if_needed=True)])

    def letterbox(longer):
        resize = v2.Resize(None, max_size=longer, antialias=True)

        def boxed(image):
            image = resize(image)
            return v2.functional.pad(image, rim(image.shape[-1], image.shape[-2]), FILL)

        return boxed

    def with_boxes(images):
        def row(image):
            height, width = image.shape[-2:]
            corners = torch.tensor(BOXES) * torch.tensor([width, height, width, height])
            boxes = tv_tensors.BoundingBoxes(corners, format="XYXY", canvas_size=(height, width))
            return {"image": tv_tensors.Image(image), "boxes": boxes, "labels": torch.arange(len(BOXES))}

        return [row(image) for image in batch(images)]

    def squares(images):
        floats = v2.Compose([square, v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])
        return [floats(image) for image in batch(images)]

    def mixed(mix):
        return Batch(squares, lambda rows: mix(torch.stack(rows), labels))

    return lambda image: torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous(), {
        "horizontal_flip": v2.RandomHorizontalFlip(p=1),
        "center_crop": lambda image: crop(image).contiguous(),
        "resize": square,
        "random_resized_crop": v2.RandomResizedCrop(SIZE, SCALE, RATIO, antialias=True),
        "rotate": v2.RandomRotation((ANGLE, ANGLE), bilinear),
        "affine": v2.RandomAffine(ANGLE, (0.1, 0.1), (0.8, 1.25), 10, bilinear),
        "brightness": v2.ColorJitter(brightness=JITTER),
        "contrast": v2.ColorJitter(contrast=JITTER),
        "saturation": v2.ColorJitter(saturation=JITTER),
        "color_jitter": v2.ColorJitter(brightness=JITTER, contrast=JITTER, saturation=JITTER),
        "gaussian_blur": v2.GaussianBlur(5, SIGMA),
        "gaussian_noise": v2.GaussianNoise(sigma=NOISE),
        "normalize": v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]),
        "random_erasing": v2.RandomErasing(p=1, **ERASED),
        "hue": v2.ColorJitter(hue=HUE),
        "gamma": lambda image: v2.functional.adjust_gamma(image, np.random.uniform(0.8, 1.2)),
        "grayscale": v2.Grayscale(3),
        "invert": v2.RandomInvert(p=1),
        "posterize": v2.RandomPosterize(4, p=1),
        "solarize": v2.RandomSolarize(128, p=1),
        "autocontrast": v2.RandomAutocontrast(p=1),
        "equalize": v2.RandomEqualize(p=1),
        "channel_permutation": v2.RandomChannelPermutation(),
        "photometric_distort": v2.RandomPhotometricDistort(p=1),
        "sharpness": v2.RandomAdjustSharpness(2, p=1),
        "jpeg": v2.JPEG(75),
        "resize_center_crop": lambda image: resize_crop(image).contiguous(),
        "vertical_flip": v2.RandomVerticalFlip(p=1),
        "scale": v2.RandomAffine(0, scale=(0.8, 1.25), interpolation=bilinear),
        "shear": v2.RandomAffine(0, shear=(-10, 10, -10, 10), interpolation=bilinear),
        "translate": v2.RandomAffine(0, translate=(0.1, 0.1), interpolation=bilinear),
        "perspective": v2.RandomPerspective(0.5, p=1, interpolation=bilinear),
        "elastic_transform": v2.ElasticTransform(50.0, 5.0, bilinear),
        "pad": v2.Pad(PADDED),
        "random_crop": lambda image: random_crop(image).contiguous(),
        "scale_jitter": lambda image: jittered(*image.shape[-2:])(image).contiguous(),
        "zoom_out": lambda image: v2.functional.resize(zoom_out(image), image.shape[-2:], antialias=True),
        "letterbox": letterbox(SIZE),
        "resize_letterbox": letterbox(LONGER),
        "rand_augment": v2.RandAugment(interpolation=bilinear),
        "trivial_augment_wide": v2.TrivialAugmentWide(interpolation=bilinear),
        "auto_augment": v2.AutoAugment(interpolation=bilinear),
        "aug_mix": v2.AugMix(interpolation=bilinear),
        "random_iou_crop": Batch.one_by_one(with_boxes, lambda rows, at: crop_boxes(rows[at])),
        "mixup": mixed(v2.MixUp(alpha=1.0, num_classes=CLASSES)),
        "cutmix": mixed(v2.CutMix(alpha=1.0, num_classes=CLASSES)),
    }


def pillow():
    def factor():
        return np.random.uniform(*JITTER)

    def cropped(image):
        x, y, w, h = box(*image.size)
        return image.resize((SIZE, SIZE), Image.BILINEAR, box=(x, y, x + w, y + h))

    def center(image):
        x, y = (image.width - SIZE) // 2, (image.height - SIZE) // 2
        return image.crop((x, y, x + SIZE, y + SIZE))

    def random_crop(image):
        x, y = (np.random.randint(side - SIZE + 1) for side in image.size)
        return image.crop((x, y, x + SIZE, y + SIZE))

    def resized(image, scale):
        return image.resize([round(side * scale) for side in image.size], Image.BILINEAR)

    def letterbox(image, longer):
        image = resized(image, longer / max(image.size))
        return ImageOps.expand(image, rim(*image.size), (FILL,) * 3)

    def brightness(image):
        return ImageEnhance.Brightness(image).enhance(factor())

    def contrast(image):
        return ImageEnhance.Contrast(image).enhance(factor())

    def saturation(image):
        return ImageEnhance.Color(image).enhance(factor())

    def gamma(image):
        power = np.random.uniform(0.8, 1.2)
        return image.point([round(255 * (level / 255) ** power) for level in range(256)] * 3)

    def jpeg(image):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=75)
        return Image.open(file).convert("RGB")

    def low(image):
        small = image.resize((image.width // 2, image.height // 2), Image.BOX)
        return small.resize(image.size, Image.BILINEAR)

    def normalize(image):
        levels = (np.asarray(image, np.float32) - LEVELS[0]) / LEVELS[1]
        return np.ascontiguousarray(levels.transpose(2, 0, 1))

    return Image.fromarray, {
        "horizontal_flip": ImageOps.mirror,
        "center_crop": center,
        "resize": lambda image: image.resize((SIZE, SIZE), Image.BILINEAR),
        "random_resized_crop": cropped,
        "rotate": lambda image: image.rotate(ANGLE, Image.BILINEAR),
        "brightness": brightness,
        "contrast": contrast,
        "saturation": saturation,
        "color_jitter": lambda image: saturation(contrast(brightness(image))),
        "gaussian_blur": lambda image: image.filter(ImageFilter.GaussianBlur(SIGMA)),
        "normalize": normalize,
        "gamma": gamma,
        "grayscale": lambda image: image.convert("L").convert("RGB"),
        "invert": ImageOps.invert,
        "posterize": lambda image: ImageOps.posterize(image, 4),
        "solarize": lambda image: ImageOps.solarize(image, 128),
        "autocontrast": ImageOps.autocontrast,
        "equalize": ImageOps.equalize,
        "sharpness": lambda image: ImageEnhance.Sharpness(image).enhance(2),
        "box_blur": lambda image: image.filter(ImageFilter.BoxBlur(2)),
        "jpeg": jpeg,
        "simulate_low_resolution": low,
        "resize_center_crop": lambda image: center(resized(image, SHORTER / min(image.size))),
        "vertical_flip": ImageOps.flip,
        "transpose": lambda image: image.transpose(Image.Transpose.TRANSPOSE),
        "pad": lambda image: ImageOps.expand(image, PADDED),
        "random_crop": random_crop,
        "letterbox": lambda image: letterbox(image, SIZE),
        "resize_letterbox": lambda image: letterbox(image, LONGER),
    }


def kornia():
    import kornia.augmentation as K
    import torch
    from kornia.augmentation.auto import AutoAugment, RandAugment, TrivialAugment

    torch.set_num_threads(1)
    mean, std = torch.tensor(MEAN), torch.tensor(STD)
    square, labels = K.Resize((SIZE, SIZE), antialias=True), torch.arange(ROWS) % CLASSES
    mosaic = K.RandomMosaic((SIZE, SIZE), p=1)

    def form(image):
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float().div(255)

    @functools.cache
    def padded(height, width):
        return K.PadTo((height + 2 * PADDED, width + 2 * PADDED))

    def letterbox(longer):
        resize = K.Resize(longer, side="long", antialias=True)
        return torch.nn.Sequential(resize, K.PadTo((SIZE, SIZE), pad_value=FILL / 255))

    def squares(images):
        return [square(image) for image in batch(images)]

    def mixed(mix):
        return Batch(squares, lambda rows: mix(torch.cat(rows), labels))


    return form, {
        "horizontal_flip": K.RandomHorizontalFlip(p=1),
        "center_crop": K.CenterCrop(SIZE),
        "resize": square,
        "random_resized_crop": K.RandomResizedCrop((SIZE, SIZE), SCALE, RATIO),
        "rotate": K.RandomRotation((ANGLE, ANGLE), p=1),
        "affine": K.RandomAffine(ANGLE, (0.1, 0.1), (0.8, 1.25), 10.0, p=1),
        "brightness": K.ColorJitter(brightness=JITTER, p=1),
        "contrast": K.ColorJitter(contrast=JITTER, p=1),
        "saturation": K.ColorJitter(saturation=JITTER, p=1),
        "color_jitter": K.ColorJitter(brightness=JITTER, contrast=JITTER, saturation=JITTER, p=1),
        "gaussian_blur": K.RandomGaussianBlur((5, 5), (SIGMA, SIGMA), p=1),
        "gaussian_noise": K.RandomGaussianNoise(std=NOISE, p=1),
        "normalize": K.Normalize(mean, std),
        "random_erasing": K.RandomErasing(**ERASED, p=1),
        "hue": K.ColorJitter(hue=HUE, p=1),
        "gamma": K.RandomGamma((0.8, 1.2), p=1),
        "grayscale": K.RandomGrayscale(p=1),
        "invert": K.RandomInvert(p=1),
        "posterize": K.RandomPosterize((4, 4), p=1),
        "solarize": K.RandomSolarize((0.5, 0.5), p=1),
        "autocontrast": K.RandomAutoContrast(p=1),
        "equalize": K.RandomEqualize(p=1),
        "clahe": K.RandomClahe((4, 4), p=1),
        "channel_permutation": K.RandomChannelShuffle(p=1),
        "sharpness": K.RandomSharpness((1, 1), p=1),
        "box_blur": K.RandomBoxBlur((5, 5), p=1),
        "motion_blur": K.RandomMotionBlur(7, (0, 360), 0.0, p=1),
        "salt_and_pepper": K.RandomSaltAndPepperNoise((0.03, 0.03), p=1),
        "jpeg": K.RandomJPEG((75, 75), p=1),
        "resize_center_crop": torch.nn.Sequential(K.Resize(SHORTER, side="short", antialias=True), K.CenterCrop(SIZE)),
        "vertical_flip": K.RandomVerticalFlip(p=1),
        "scale": K.RandomAffine(0.0, scale=(0.8, 1.25), p=1),
        "shear": K.RandomShear((-10.0, 10.0, -10.0, 10.0), p=1),
        "translate": K.RandomTranslate((-0.1, 0.1), (-0.1, 0.1), p=1),
        "perspective": K.RandomPerspective(0.5, p=1),
        "elastic_transform": K.RandomElasticTransform((41, 41), (5.0, 5.0), (0.125, 0.1), p=1),
        "pad": lambda image: padded(*image.shape[-2:])(image),
        "random_crop": K.RandomCrop((SIZE, SIZE)),
        "letterbox": letterbox(SIZE),
        "resize_letterbox": letterbox(LONGER),
        "rand_augment": RandAugment(n=2, m=9),
        "trivial_augment_wide": TrivialAugment(),
        "auto_augment": AutoAugment("imagenet"),
        "mixup": mixed(K.RandomMixUpV2(p=1, data_keys=["input", "class"])),
        "cutmix": mixed(K.RandomCutMixV2(p=1, data_keys=["input", "class"])),
        "mosaic": Batch(squares, lambda rows: mosaic(torch.cat(rows))),
    }


LIBRARIES = {
    "albumentations": albumentations,
    "torchvision": torchvision,
    "pillow": pillow,
    "kornia": kornia,
}
