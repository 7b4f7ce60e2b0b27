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
class Motion:
    """How people of a clip move. Lengths of time in frames, of which ten are a second.

    Of the variance of a style's noise of heads and eyes a share, ``lasting``, is drawn once a look; the rest
    changes with every frame. So a frame of a clip tells as little as a still, and several tell more.
    """

    look: tuple[int, int] = (8, 24)  # how long a person looks at one thing
    lag: tuple[int, int] = (1, 2)  # by which the head follows the eyes
    follow: float = 0.5  # of the way that is left, the head goes in a frame,
    speed: float = 24.0  # but no more than so many degrees
    body: float = 0.15  # of the way that is left, the body turns after the head in a frame
    lasting: float = 0.5
    wobble: float = 0.85  # correlation of the head's changing noise from frame to frame
    sway: float = 0.008  # in body heights, to either side
    blink: float = 0.03  # probability a frame that the eyes close for one frame or two
    leaves: float = 0.3  # probability that a person at an edge walks out of the picture
    stays: tuple[int, int] = (5, 24)  # until that person goes,
    walk: int = 9  # is on the way, either way,
    away: tuple[int, int] = (3, 8)  # and is gone


@dataclass(frozen=True)
class Style:
    """Knobs of a world. Angles in degrees, sizes in picture heights, probabilities in 0..1.

    ``aspect`` is width / height of the pictures the world is composed for; rendering at another
    aspect stretches the picture, so every normalised annotation stays valid.
    """

    name: str = "gaze"
    aspect: float = 4 / 3
    # What there is
    nouns: tuple[str, ...] = NOUNS
    things: tuple[int, int] = (4, 6)
    people_weights: tuple[float, ...] = (0.62, 0.38, 0.0)
    thing_size: tuple[float, float] = (0.145, 0.2)
    person_height: tuple[float, float] = (0.66, 0.9)
    apart: float = 0.3
    wall_share: float = 0.5
    overlap: float = 0.12
    occlusion: float = 0.35
    clutter: float = 0.8
    horizon: tuple[float, float] = (0.58, 0.68)
    papers: tuple[float, ...] = (0.2, 0.3, 0.2, 0.3, 0.0)  # weights of gcdr.world.room.PAPERS
    boards: tuple[str, ...] = ("planks", "planks", "tiles")
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
    tint: tuple[float, float, float] = (0.0, 0.0, 0.0)  # added to the cast
    vignette: float = 0.16
    sensor_noise: float = 4.0
    # How people annotate it
    annotator_swap: float = 0.22
    annotator_angle: float = 20.0
    annotator_jitter: float = 0.031
    # How it moves
    motion: Motion = Motion()


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
    # Shows, in clips. Each has a set, a light, a framing and a cast's habits that no still has.
    "kitchen": replace(
        Style(),
        name="kitchen",
        nouns=("cup", "cake", "cat", "lamp", "clock", "plant", "gift", "book", "tv"),
        things=(6, 8),
        people_weights=(0.2, 0.5, 0.3),
        person_height=(0.6, 0.78),
        thing_size=(0.12, 0.16),
        wall_share=0.75,
        clutter=0.25,
        papers=(0.0, 0.0, 0.0, 0.0, 1.0),
        boards=("tiles",),
        target_thing=0.72,
        target_face=0.2,
        palettes="kitchen",
        odd_color=0.4,
        brightness=(0.86, 0.94),
        tint=(-0.1, 0.0, 0.1),
        sensor_noise=7.0,
    ),
    "garden": replace(
        Style(),
        name="garden",
        nouns=("ball", "dog", "cat", "plant", "chair", "gift", "cake", "book", "cup"),
        things=(5, 7),
        people_weights=(0.3, 0.5, 0.2),
        person_height=(0.58, 0.72),
        apart=0.25,
        thing_size=(0.14, 0.18),
        wall_share=0.0,
        clutter=0.0,
        horizon=(0.54, 0.6),
        papers=(0.0, 0.0, 0.0, 1.0, 0.0),
        boards=("grass",),
        target_thing=0.76,
        target_face=0.14,
        target_outside=0.08,
        palettes="garden",
        brightness=(0.95, 1.04),
        tint=(0.03, 0.02, -0.05),
        light=(0.15, 0.3),
        vignette=0.05,
        sensor_noise=3.0,
    ),
    "theatre": replace(
        Style(),
        name="theatre",
        nouns=("lamp", "clock", "book", "tv", "cup", "cat", "plant", "ball"),
        things=(3, 5),
        people_weights=(0.1, 0.9),
        person_height=(0.86, 0.98),
        apart=0.42,
        thing_size=(0.15, 0.19),
        wall_share=0.85,
        clutter=0.0,
        horizon=(0.64, 0.74),
        papers=(0.0, 1.0, 0.0, 0.0, 0.0),
        boards=("planks",),
        target_thing=0.6,
        target_face=0.32,
        depth_gain=0.7,
        palettes="theatre",
        brightness=(0.84, 0.98),
        tint=(0.06, 0.0, -0.06),
        vignette=0.25,
        sensor_noise=5.0,
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
    "kitchen": (
        Palette((222, 238, 236), (184, 212, 212), (96, 150, 156), (92, 104, 112),
                (120, 60, 70), (226, 232, 232), _BERRY),
        Palette((234, 226, 236), (202, 190, 210), (120, 104, 150), (84, 88, 106),
                (80, 110, 120), (214, 220, 226), _COOL),
    ),
    "garden": (
        Palette((150, 204, 240), (122, 162, 92), (84, 128, 70), (138, 184, 88),
                (220, 90, 80), (150, 110, 70), _WARM),
        Palette((176, 216, 236), (206, 190, 160), (240, 236, 222), (122, 172, 96),
                (80, 110, 170), (170, 130, 90), _BERRY),
    ),
    "theatre": (
        Palette((226, 146, 128), (204, 112, 102), (244, 214, 150), (162, 112, 80),
                (98, 74, 110), (120, 78, 58), _COOL),
        Palette((192, 172, 214), (166, 142, 194), (240, 212, 160), (156, 116, 96),
                (170, 84, 88), (116, 80, 70), _WARM),
    ),
}  # fmt: skip
# Half of the rooms of the style "gaze" were never seen on the web.
PALETTES["mixed"] = PALETTES["studio"] + PALETTES["home"][:4]
