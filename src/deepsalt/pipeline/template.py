"""The commented config that `deepsalt init` prints."""

TEMPLATE = """\
# A deepsalt run. Paths are taken from the folder of this file.
name = "my-region"
seed = 0
# simulated = true           # say so when the data come from `deepsalt simulate`
# allow_leak = true          # go on where held-out data were learned from; every output says so, in red

[library]                    # laboratory spectra with measured EC
path = "library.parquet"     # a table (CSV, Parquet, Excel), an ENVI library, a folder of ASD, OPUS,
                             # ECOSTRESS or USGS files; try it with: deepsalt inspect
# metadata = "samples.csv"   # EC and profiles of scans whose files do not hold them, joined on the id
# id = "lab_number"          # column of the metadata that holds the names of the scans
# block = "a"                # also sheet, unit, quantity, scale, ...: every option of the reader
domain = "mir"               # "mir", "visnir" or "nir": which spectra, if the file holds several
ec = "ec1:2"                 # method of the EC column: ece, ec1:1, ec1:2, ec1:2.5 or ec1:5
# ec_column = "EC"           # only if the column's name does not tell
# ec_unit = "uS/cm"          # default dS/m
# group = "profile_id"       # layers of one profile are never split
# texture = "auto"           # EC to ECe by texture; or name its column, or "sand,clay"
# properties = ["ph_h2o"]    # laboratory-only runs: learned beside EC, which is rarer
# target = "measured"        # laboratory-only runs: predict EC as measured instead of ECe
# quality = "drop"           # "drop" spectra that hold nothing, "flag" (default) tells, "off"
# splice_correction = true   # detector steps at 1000 and 1830 nm: "add" (true) or "multiply"
# replicates = "id"          # rows with the same value here are scans of one sample: averaged
# licence = "CC-BY-4.0"      # of the library, for the model's card

# Leave the whole [satellite] section out for a laboratory-only run: a cross-validated table.
[satellite]
scenes = ["scenes/*"]        # EnMAP L2A folders, or GeoTIFFs with wavelength tags
points = "points.csv"        # ground points: latitude, longitude, EC, field, region, date; a table, or a
                             # GeoPackage, GeoParquet, GeoJSON or Shapefile of points
# crs = "EPSG:32642"         # of a table with easting and northing (also x = "...", y = "...")
# layer = "samples"          # of a vector file with several
# ec = "ece"                 # method of the EC of the points, if the column's name does not tell
covariates = ["covariates/*.tif"]   # rasters; band descriptions are the names. [] for none
# unlabelled_pixels = 12000  # pixels without a label that models learn from; 600 a scene where that is more
max_ndvi = 0.35              # greener pixels are masked
# map_units = {polygons = ["survey.gpkg"], components = ["component.csv"], horizons = ["chorizon.csv"]}
# strata = ["zones/*.tif"]   # rasters of classes (climate zone, soil class): told beside results, not learned
# max_days = 30              # between sample and image; points without a date are then left out
# months = [4, 5]            # of sample and image
# same_season_days = 30      # apart in the year, whichever year
# max_depth_top_cm = 5       # optics sees the top: samples that begin deeper are left out
# position_error_m = 10      # of points without a column position_error_m (or position_error = "...")
# min_purity = 0.9           # of the pixels around a point, 1 = uniform; mixed ones are left out
# dry_vegetation = 0.0       # also dry plants: largest cellulose absorption index
# water = 0.0                # also water, where the product does not flag it: largest MNDWI of dark pixels
# nbr2 = 0.1                 # also what is not bare: largest NBR2
# max_reflectance = 1.2      # also pixels with a brighter band
# salt_crust_guard = false   # let dry_vegetation and nbr2 mask salt and gypsum crusts too
# composite = "bare"         # or "median", "medoid": dates on one grid become one scene of bare soil
# min_looks = 2              # fewest unmasked dates of a pixel of a composite
# licence = "..."            # of the scenes, and points_licence of the ground points, for the model's card

[split]
test_share = 0.2             # of the points, in whole fields
# unseen_region = "delta"    # a region of the points that nobody may learn from
library_covers_unseen = false   # true: laboratory samples of that region may be used
pixels_of_unseen = false     # true: pixels of its scene may be seen, without a label, as when it is mapped

[method]
preset = "deepsalt"          # "deepsalt": the bridge of physics; "paper": the published method
adaptation = true
distillation = true
student_alone = true         # preset paper: train its student without adaptation beside it
baselines = ["mean", "plsr", "boosting", "svr"]   # also: svr-wide, ridge, forest, local
pair_within_m = 60           # a laboratory site and a pixel this close are a pair

[method.settings]            # of the preset; see deepsalt.training.PaperSettings, DeepSaltSettings
# response_weight = 0.3
# places = false               # else library samples whose place is exact to 100 m (position_error_m, as OSSL
                               # states it) speak for the ground near them; true: those that state none too
# device = "cpu"               # that networks train on; default "auto": a CUDA GPU where there is one

# [model]                      # whose it is, for its card: deepsalt inspect run/model.safetensors
# author = "..."               # also contact, licence

# [compare]                    # what `deepsalt compare` runs; every key may be left out
# methods = ["plsr", "student-alone", "paper"]   # default: all
# points = [25, 50, 100, "all"]   # ground points to learn from, in whole fields
# draws = 3                    # how often they are drawn anew
# repeats = 5                  # random grouped splits
# reference = "paper"          # the method the others are compared with
# workers = 4                  # processes; default one a core
# scene_pixels = 2500          # worlds: of each unseen scene, asked about against their truth
# worlds = [0, 1, 2, 3, 4]     # simulated worlds of these seeds instead of the data above
# covered = [true, false]      # with and without laboratory samples of the unseen region
"""
