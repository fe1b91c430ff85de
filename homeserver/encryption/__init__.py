"""What end-to-end encryption needs of a server: keys of devices and users, who has to hear of their changes, messages to devices, backups."""
