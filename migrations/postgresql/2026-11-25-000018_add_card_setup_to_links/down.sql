ALTER TABLE links DROP COLUMN card_setup;
