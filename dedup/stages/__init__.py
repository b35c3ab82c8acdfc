"""The data's way: one file, one verb, one public function of the same name. Stages never import each other."""
