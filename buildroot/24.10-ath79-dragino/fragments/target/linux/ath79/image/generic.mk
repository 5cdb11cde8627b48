  $(Device/dlink_dir-842-c)
  DEVICE_VARIANT := C3
  DEVICE_PACKAGES := kmod-ath10k-ct ath10k-firmware-qca9888-ct
endef
TARGET_DEVICES += dlink_dir-842-c3

define Device/elecom_wab
  DEVICE_VENDOR := ELECOM
  IMAGE_SIZE := 14336k
  IMAGES += factory.bin
