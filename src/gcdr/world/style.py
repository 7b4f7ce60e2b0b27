"""What a demo world looks like and how hard it is: every probability, weight and range."""

from dataclasses import dataclass, replace

Color = tuple[int, int, int]

NOUNS = (
    "ball", "book", "cup", "tv", "cat", "dog", "plant", "lamp", "cake", "chair", "gift", "clock",
)  # fmt: skip


@dataclass(frozen=True)
class Palette:
    """Colours of one room, chosen to go together."""

    wall: Color
    panel: Color
    trim: Color
    floor: Color
    rug: Color
    wood: Color
    clothes: tuple[Color, ...]


@dataclass(frozen=True)
class Style:
    """Knobs of a world. Angles in degrees, sizes in picture heights, probabilities in 0..1.

    ``aspect`` is width / height of the pictures the world is composed for; rendering at another
    aspect stretches the picture, so every normalised annotation stays valid.
    """

    name: str = "gaze"
    aspect: float = 4 / 3
    # What there is
    things: tuple[int, int] = (4, 6)
    people_weights: tuple[float, ...] = (0.62, 0.38, 0.0)
    thing_size: tuple[float, float] = (0.145, 0.2)
    person_height: tuple[float, float] = (0.66, 0.9)
    wall_share: float = 0.5
    overlap: float = 0.12
    occlusion: float = 0.35
    clutter: float = 0.8
    # What is looked at
    target_thing: float = 0.8
    target_face: float = 0.12
    target_empty: float = 0.05
    target_outside: float = 0.06
    salience: tuple[float, ...] = (1.3, 1.5, 0.6, 2.2, 1.9, 1.7, 0.4, 0.35, 1.5, 0.25, 1.2, 0.6)
    gaze_jitter: float = 0.12
    distractor_probability: float = 0.45
    distractor_angle: float = 11.0
    # How well it shows
    head_noise: float = 4.0
    eye_gain: float = 1.8
    eye_noise: float = 7.0
    turn_range: tuple[float, float] = (36.0, 106.0)
    depth_gain: float = 1.0
    # How it is drawn
    palettes: str = "home"
    color_jitter: float = 14.0
    odd_color: float = 0.12
    lookalikes: tuple[tuple[str, str, float], ...] = ()
    light: tuple[float, float] = (0.05, 0.17)
    brightness: tuple[float, float] = (0.84, 1.04)
    cast: float = 0.06
    vignette: float = 0.16
    sensor_noise: float = 4.0
    # How people annotate it
    annotator_swap: float = 0.22
    annotator_angle: float = 20.0
    annotator_jitter: float = 0.031


STYLES: dict[str, Style] = {
    "gaze": Style(),
    "web": replace(
        Style(),
        name="web",
        things=(3, 6),
        people_weights=(0.66, 0.34, 0.0),
        person_height=(0.66, 0.92),
        thing_size=(0.16, 0.21),
        clutter=0.5,
        target_outside=0.03,
        distractor_probability=0.35,
        palettes="mixed",
        color_jitter=20.0,
        odd_color=0.3,
        lookalikes=(("cat", "dog", 0.3), ("gift", "cake", 0.25), ("cup", "plant", 0.25)),
        light=(0.02, 0.1),
        brightness=(1.04, 1.14),
        cast=0.05,
        vignette=0.05,
        sensor_noise=2.5,
    ),
}

_WARM = ((196, 84, 64), (226, 160, 70), (66, 110, 122), (238, 226, 204), (108, 130, 92))
_COOL = ((58, 92, 140), (224, 122, 95), (240, 232, 220), (129, 178, 154), (93, 72, 112))
_BERRY = ((150, 58, 92), (244, 190, 120), (70, 84, 120), (236, 220, 226), (92, 146, 140))

PALETTES: dict[str, tuple[Palette, ...]] = {
    "home": (
        Palette((238, 222, 196), (222, 200, 168), (250, 242, 226), (176, 124, 82),
                (178, 84, 72), (134, 88, 56), _WARM),
        Palette((176, 196, 180), (150, 174, 158), (236, 240, 228), (190, 146, 102),
                (224, 196, 148), (120, 82, 56), _COOL),
        Palette((188, 206, 218), (160, 182, 198), (242, 244, 242), (164, 126, 96),
                (92, 122, 152), (112, 80, 62), _WARM),
        Palette((236, 200, 190), (220, 176, 166), (252, 238, 230), (172, 120, 92),
                (130, 150, 146), (140, 92, 66), _BERRY),
        Palette((232, 206, 140), (214, 184, 112), (250, 238, 206), (150, 106, 76),
                (74, 108, 118), (110, 74, 50), _COOL),
        Palette((198, 190, 216), (174, 164, 198), (242, 238, 246), (168, 132, 108),
                (228, 188, 170), (118, 86, 74), _BERRY),
        Palette((120, 152, 156), (96, 128, 134), (226, 232, 224), (186, 140, 98),
                (232, 206, 168), (124, 84, 58), _WARM),
        Palette((214, 168, 140), (194, 146, 118), (248, 230, 212), (138, 98, 76),
                (238, 218, 186), (98, 66, 50), _COOL),
    ),
    "studio": (
        Palette((240, 240, 236), (222, 224, 222), (252, 252, 250), (206, 190, 170),
                (150, 176, 196), (176, 146, 116), _COOL),
        Palette((206, 226, 238), (184, 208, 224), (250, 252, 252), (198, 200, 200),
                (238, 214, 140), (150, 150, 156), _BERRY),
        Palette((214, 236, 218), (190, 218, 196), (248, 252, 246), (210, 194, 172),
                (232, 168, 152), (168, 138, 110), _WARM),
        Palette((246, 224, 230), (232, 204, 214), (254, 248, 248), (200, 186, 182),
                (166, 196, 190), (162, 136, 128), _COOL),
    ),
}  # fmt: skip
# Half of the rooms of the style "gaze" were never seen on the web.
PALETTES["mixed"] = PALETTES["studio"] + PALETTES["home"][:4]
