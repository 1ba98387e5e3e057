INSERT INTO sign_of_life (name, at)
VALUES ('health', :now), ('serves:dispatch', :now), ('took:dispatch', :now);
