"""How much of a data set is read, each limit a named constant."""

MAX_PICTURES = 100_000  # files of a folder or zip
MAX_UNPACKED = 4 * 2**30  # bytes of a zip or .npz once unpacked
MAX_STACK = 2**30  # bytes of a TIFF of several pages
MAX_STREAMED = 2**36  # bytes of an .npz that is read piece by piece, on the owner's disk
MAX_SET_BYTES = 4 * 2**30  # of a data set in memory
MAX_UPLOAD = 2**29  # bytes of an upload once unpacked, and of its data set in memory: a visitor shares the machine
MAX_ROWS = 5_000_000  # pictures of an .npz
MAX_ROW_PIXELS = 2**24  # of one picture of an .npz
MAX_NAMES = 100_000  # classes, or values of all factors together
MAX_NAME = 200  # characters of a name
MAX_JOINED = 2**20  # characters of the names of a factor's values, joined
MAX_IDX_BYTES = 2**28  # of an IDX file once unpacked
STREAM_BYTES = 2**23  # of a packed array at a time
USUAL_SIDE = 64  # pixels: pictures of mixed or large size are brought to this
SHORT_SIDE = 32  # pixels: the shorter side of what is long is not made smaller while the longer one fits a model
LARGE_SIDE = 128  # pixels: a size beyond this is not kept
MAX_TABLE_BYTES = 2**26  # of a table of labels
MAX_COLUMNS = 1000  # of a table of labels
MAX_VALUES = 256  # different ones in a column that is an attribute: more are numbers or texts, and no attribute
NAMED = 3  # so many unreadable pictures are named in a message
